import { abilitiesOf } from '../../core/abilities.js';
import type { Draft, LogEntry } from '../../core/notification.js';
import type { Appended, AppendResult, Store } from '../../core/store.js';
import { isSamePayload, reusedId, type ScopedItems } from '../../wire/idempotency.js';
import { inItem } from '../../wire/publish.js';
import { InTurn } from './in-turn.js';

/** A draft whose id is in the log already. */
interface Repeat {
  readonly draft: Draft;
  readonly index: number;
  readonly position: number;
}

/**
 * Distinguishes a repeated publish from an id that is reused for another payload. A reused id is
 * rejected with `id_reused`.
 *
 * If the store can look up ids, a rejected call appends nothing. Otherwise, or if two nodes append
 * the id at the same time, the payload is compared after the append. In this case the new items of
 * a rejected array are already in the log.
 *
 * If retention has removed the first notification, its payload is unknown and the id counts as a
 * repeat.
 */
export class Repeats {
  readonly #store: Store;
  readonly #bytesMax: number;
  /**
   * If two requests use one id, the second waits for the first. The requests in progress bound the
   * number of keys.
   */
  readonly #inTurn = new InTurn();

  constructor(store: Store, bytesMax: number) {
    this.#store = store;
    this.#bytesMax = bytesMax;
  }

  /** Appends the drafts unless an id is reused. @throws NotificationsError `id_reused` */
  async append(drafts: readonly Draft[], scoped: ScopedItems): Promise<AppendResult> {
    const { named } = scoped;
    if (named.length === 0) return this.#store.append(drafts);
    assertEqual(drafts);
    return this.#inTurn.run(named, async () => {
      const known = await this.#lookUp(drafts, scoped);
      await this.#assertRepeats(drafts.length, known);
      const result = await this.#store.append(drafts);
      await this.#assertRepeats(drafts.length, raced(known, drafts, result.appended));
      return result;
    });
  }

  async #lookUp(drafts: readonly Draft[], { named, keyed, following }: ScopedItems): Promise<readonly Repeat[]> {
    const { positionsOf } = abilitiesOf(this.#store);
    if (!positionsOf) return [];
    const ids = [...new Set([...named, ...following])];
    const found = await positionsOf(ids);
    const positions = new Map(ids.map((id, at) => [id, found[at]]));
    const isKnown = (id: string): boolean => positions.get(id) !== undefined;
    // An array is appended atomically. If only some ids of an idempotency key are known, the key
    // belongs to another array.
    const isOther = keyed.some(isKnown) && !keyed.every(isKnown);
    if (isOther || following.some(isKnown)) throw reusedId();
    return drafts.flatMap((draft, index) => {
      const position = positions.get(draft.id);
      return position === undefined ? [] : [{ draft, index, position }];
    });
  }

  async #assertRepeats(count: number, repeats: readonly Repeat[]): Promise<void> {
    const entries = await this.#entriesOf(repeats);
    for (const { draft, index } of repeats) {
      const entry = entries.get(draft.id);
      if (entry && !isSamePayload(entry.json, draft.json)) inItem(count, index, refuse);
    }
  }

  /**
   * Returns, for each repeated id, the notification that was published first. The items of an array
   * are adjacent in the log, so a repeated array needs one read.
   */
  async #entriesOf(repeats: readonly Repeat[]): Promise<ReadonlyMap<string, LogEntry>> {
    const found = new Map<string, LogEntry>();
    const topics = [...new Set(repeats.map(({ draft }) => draft.topic))];
    let read = 0;
    for (const { position } of [...repeats].sort((one, other) => one.position - other.position)) {
      if (position <= read) continue;
      const query = { topics, after: position - 1, limit: repeats.length, bytesMax: this.#bytesMax };
      const { entries } = await this.#store.read(query);
      for (const entry of entries) found.set(entry.id, entry);
      read = Math.max(position, entries.at(-1)?.position ?? 0);
    }
    return found;
  }
}

/** @throws NotificationsError `id_reused` if the array has one id with two payloads */
function assertEqual(drafts: readonly Draft[]): void {
  const first = new Map<string, Draft>();
  drafts.forEach((draft, index) => {
    const before = first.get(draft.id);
    if (!before) first.set(draft.id, draft);
    else if (!isSamePayload(before.json, draft.json)) inItem(drafts.length, index, refuse);
  });
}

/** Drafts whose ids another call has appended after the lookup and before this append. */
function raced(known: readonly Repeat[], drafts: readonly Draft[], appended: readonly Appended[]): readonly Repeat[] {
  const checked = new Set(known.map(({ draft }) => draft.id));
  for (const { id, duplicate } of appended) if (!duplicate) checked.add(id);
  return drafts.flatMap((draft, index) => {
    const position = checked.has(draft.id) ? undefined : appended[index]?.position;
    return position === undefined ? [] : [{ draft, index, position }];
  });
}

function refuse(): never {
  throw reusedId();
}
