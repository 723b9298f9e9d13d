import type { LogEntry } from '../../core/notification.js';
import type { Store } from '../../core/store.js';

/**
 * The maximum number of entries that one search of a topic reads. Each explanation makes at most
 * four of these searches, so it costs the store some tens of reads.
 */
export const SEARCH_ENTRIES_MAX = 5_000;
/** The bounds of one read. */
const READ_ENTRIES = 500;
const READ_BYTES = 1024 * 1024;
/** The maximum bytes of all reads of a search. */
const SEARCH_BYTES_MAX = 8 * READ_BYTES;

/** The part of a topic to search. */
export interface SearchedTopic {
  readonly topic: string;
  /** Only entries after this position. */
  readonly after: number;
}

/** The result of a search. */
export interface SearchResult {
  /** The entry for which `isWanted` was true. */
  readonly found?: LogEntry | undefined;
  /** False if the search has ended at its limit, so that older entries are not known. */
  readonly isComplete: boolean;
}

/** Searches a topic from its newest entry to older ones. */
export async function searchTopic(
  store: Store,
  { topic, after }: SearchedTopic,
  isWanted: (entry: LogEntry) => boolean,
): Promise<SearchResult> {
  let [before, count, bytes] = [Number.MAX_SAFE_INTEGER, 0, 0];
  while (count < SEARCH_ENTRIES_MAX && bytes < SEARCH_BYTES_MAX) {
    const { entries, more } = await store.read({ topics: [topic], before, limit: READ_ENTRIES, bytesMax: READ_BYTES });
    for (const entry of entries) {
      if (entry.position <= after) return { isComplete: true };
      if (isWanted(entry)) return { found: entry, isComplete: true };
      bytes += entry.bytes;
    }
    count += entries.length;
    const oldest = entries.at(-1);
    if (!more || !oldest) return { isComplete: true };
    before = oldest.position;
  }
  return { isComplete: false };
}
