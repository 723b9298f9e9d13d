import type { Delivery } from './delivery.js';

/** Ids remembered: more than lie between two tabs. */
const IDS_MAX = 10_000;

/**
 * The last notifications that a tab has got. Two that lead one after the other, or beside each other for a moment, may be told the same.
 */
export class Recent {
  readonly #ids = new Set<string>();
  lastId: string | undefined;

  /** Undefined for a delivery without any. */
  static lastOf({ notifications }: Delivery): string | undefined {
    const last = notifications.at(-1);
    return last === undefined ? undefined : idOf(last);
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  /** A delivery without what has been here before; what is left of it has been, from now on. */
  without(delivery: Delivery): Delivery {
    const notifications = delivery.notifications.filter((notification) => !this.#ids.has(idOf(notification)));
    for (const notification of notifications) {
      this.lastId = idOf(notification);
      this.#ids.add(this.lastId);
    }
    for (const id of this.#ids) if (this.#ids.size > IDS_MAX) this.#ids.delete(id);
    return { ...delivery, notifications };
  }
}

function idOf(notification: unknown): string {
  return String((notification as { id?: unknown }).id);
}
