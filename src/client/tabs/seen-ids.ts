import type { Delivery } from '../delivery.js';

/**
 * The ids that a tab remembers. The positions of two tabs never differ by this many notifications.
 */
const IDS_MAX = 10_000;
/** The server's limit. A tab does not remember longer ids, so ids cannot fill its memory. */
const ID_LENGTH_MAX = 200;

/**
 * The ids of the last notifications that a tab has delivered. While one leader replaces another,
 * both may send the same notification.
 */
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

  /** Removes the notifications that the tab has delivered, and remembers the others. */
  filter(delivery: Delivery): Delivery {
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
