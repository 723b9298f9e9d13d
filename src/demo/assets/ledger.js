/** Ids that are kept to detect a second arrival; far more than one page has. */
const REMEMBERED = 20_000;
/** Entries that are kept for display after all readers have received them. */
const KEPT = 100;

/**
 * One notification. `marks` has one value per reader. `live`: received at once. `later`: received
 * after the reader was disconnected. `twice`: received twice. `told`: lost in a reported gap. A
 * reader without a mark has not received it yet.
 *
 * @typedef {{ id: string, own: boolean, marks: Record<string, 'live' | 'later' | 'twice' | 'told'>
 * }} Entry
 */

/**
 * Checks during arrival that several readers receive the same notifications in the same order, each
 * once.
 *
 * The first reader that receives a notification appends it to the list. The others must receive
 * exactly these entries. Notifications that the page published are at the end of the list until a
 * reader receives them.
 */
export class Ledger {
  /**
   * @type {Map<string, { next: number, received: number, caughtUp: number, ids: Set<string>,
   * jumped: boolean }>}
   */
  #readers;
  /** @type {Entry[]} */
  #entries = [];
  /** The number of entries removed at the front; a reader's `next` counts them too. */
  #forgotten = 0;
  /** Published by this page, and not received by any reader yet. @type {Map<string, Entry>} */
  #pending = new Map();
  #matched = 0;
  #problems = { told: 0, repeated: 0, outOfStep: 0 };

  constructor(...names) {
    const reader = () => ({ next: 0, received: 0, caughtUp: 0, ids: new Set(), jumped: false });
    this.#readers = new Map(names.map((name) => [name, reader()]));
  }

  /** Adds the ids of notifications that the server has accepted. */
  published(ids) {
    for (const id of ids) {
      const entry = this.#entries.findLast((known) => known.id === id);
      if (entry) entry.own = true;
      else if (!this.#isKnown(id)) this.#pending.set(id, { id, own: true, marks: {} });
    }
  }

  /**
   * A reader has received a notification. `caughtUp`: the notification was published while the
   * reader was disconnected.
   */
  arrived(name, id, caughtUp = false) {
    const reader = this.#readers.get(name);
    if (reader.ids.has(id)) {
      this.#problems.repeated++;
      const entry = this.#entries.findLast((known) => known.id === id);
      if (entry) entry.marks[name] = 'twice';
      return;
    }
    remember(reader.ids, id);
    reader.received++;
    if (caughtUp) reader.caughtUp++;
    if (reader.jumped) this.#leap(name, id);
    const entry = this.#entries[reader.next - this.#forgotten] ?? this.#append(id);
    if (entry.id !== id) {
      this.#problems.outOfStep++;
      return;
    }
    this.#pass(name, entry, caughtUp ? 'later' : 'live');
  }

  /**
   * A reader received a gap. It may lack the entries up to its next notification, which is no
   * error.
   */
  gap(name) {
    this.#readers.get(name).jumped = true;
    this.#pending.clear();
  }

  /**
   * `kind` is `different` after a notification arrived twice or out of order. Otherwise it is
   * `behind` while a reader lacks a notification.
   */
  verdict() {
    const end = this.#forgotten + this.#entries.length + this.#pending.size;
    const readers = [...this.#readers].map(([name, { next, received, caughtUp }]) => {
      return { name, received, caughtUp, lacking: end - next };
    });
    const { repeated, outOfStep } = this.#problems;
    const isBehind = readers.some(({ lacking }) => lacking > 0);
    const kind = repeated + outOfStep > 0 ? 'different' : isBehind ? 'behind' : 'same';
    return { kind, matched: this.#matched, readers, ...this.#problems };
  }

  /** The last entries, newest last. @returns {Entry[]} */
  latest(count) {
    return [...this.#entries.slice(-count), ...this.#pending.values()].slice(-count);
  }

  #isKnown(id) {
    return [...this.#readers.values()].some(({ ids }) => ids.has(id));
  }

  #append(id) {
    const entry = this.#pending.get(id) ?? { id, own: false, marks: {} };
    this.#pending.delete(id);
    this.#entries.push(entry);
    return entry;
  }

  /**
   * Moves a reader to the entry at which it continues after a gap. If the reader is the first to
   * notice a restart, it moves to the end of the list.
   */
  #leap(name, id) {
    const reader = this.#readers.get(name);
    reader.jumped = false;
    for (const entry of this.#entries.slice(reader.next - this.#forgotten)) {
      if (entry.id === id) break;
      this.#problems.told++;
      this.#pass(name, entry, 'told');
    }
  }

  #pass(name, entry, mark) {
    entry.marks[name] = mark;
    this.#readers.get(name).next++;
    const marks = Object.values(entry.marks);
    if (marks.length === this.#readers.size && !marks.includes('told')) this.#matched++;
    const passed = Math.min(...[...this.#readers.values()].map(({ next }) => next)) - this.#forgotten;
    if (passed <= KEPT) return;
    this.#entries.splice(0, passed - KEPT);
    this.#forgotten += passed - KEPT;
  }
}

function remember(ids, id) {
  ids.add(id);
  if (ids.size > REMEMBERED) ids.delete(ids.values().next().value);
}
