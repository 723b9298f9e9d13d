import { idOf, type KnownItem, type KnownItems, withEvent } from './item-list.js';
import type { InboxEvent } from './wire-types.js';

/** The maximum number of events that are kept. A page usually loads within one or two events. */
export const HELD_EVENTS_MAX = 100;
/** The maximum length of the events that are kept, as JSON. An item may have 64 KiB. */
export const HELD_CHARS_MAX = 256 * 1024;

/**
 * The events that have arrived since the request for an older page. The page may lack their
 * changes. Beyond the limits, no event is kept, and the list must be loaded again.
 */
export class HeldEvents<N extends object> {
  #events: InboxEvent<N>[] = [];
  #chars = 0;

  /** Whether events were dropped. */
  get isOver(): boolean {
    return this.#chars > HELD_CHARS_MAX;
  }

  add(event: InboxEvent<N>): void {
    const isFull = this.isOver || this.#events.length === HELD_EVENTS_MAX;
    this.#chars = isFull ? Infinity : this.#chars + JSON.stringify(event).length;
    if (this.isOver) this.#events = [];
    else this.#events.push(event);
  }

  /** A list with the items of an older page. */
  withOlder(list: KnownItems<N>, older: KnownItems<N>): KnownItems<N> {
    const known = new Set(list.map(idOf));
    const all: KnownItem<N>[] = [...list, ...older.filter((item) => !known.has(idOf(item)))];
    // The list has these changes already. Repeated in order, they lead to the same state.
    return this.#events.reduce<KnownItems<N>>(withEvent, all);
  }
}
