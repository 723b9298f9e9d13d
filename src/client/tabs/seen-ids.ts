import type { Delivery } from '../delivery.js';

/** Ids remembered: more than lie between the positions of two tabs. */
const IDS_MAX = 10_000;
/** As the server has it. A longer id is not remembered, so that ids cannot fill the memory. */
const ID_LENGTH_MAX = 200;

/** The ids of the last notifications that a tab has delivered. Two leaders that overlap may send the same notification. */
export class SeenIds {
  readonly #ids = new Set<string>();
  lastId: string | undefined;

  /** Undefined for a delivery without notifications. */
  static lastOf({ notifications }: Delivery): string | undefined {
    const last = notifications.at(-1);
    return last && idOf(last);
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  /** Leaves out the notifications that have been seen, and remembers the others. */
  without(delivery: Delivery): Delivery {
    const notifications = delivery.notifications.filter((notification) => {
      const id = idOf(notification);
      if (id === undefined) return true;
      if (this.#ids.has(id)) return false;
      this.#ids.add(id);
      this.lastId = id;
      return true;
    });
    for (const id of this.#ids) {
      if (this.#ids.size <= IDS_MAX) break;
      this.#ids.delete(id);
    }
    return { ...delivery, notifications };
  }
}

function idOf(notification: object): string | undefined {
  const { id } = notification as { id?: unknown };
  return typeof id === 'string' && id.length <= ID_LENGTH_MAX ? id : undefined;
}
