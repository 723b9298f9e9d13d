import type { Draft, LogEntry } from './notification.js';
import { RESERVED_TOPIC_PREFIX } from './revocation.js';
import type { Store } from './store.js';

/** The topic of the records of erasures. */
export const ERASURES = `${RESERVED_TOPIC_PREFIX}erasures`;

/**
 * The maximum number of topics in one record. Larger erasures write several records, so that a
 * record stays below the message limits of all engines.
 */
const RECORD_TOPICS_MAX = 100;

/** Makes every node forget the notifications of some topics. */
export interface Erasure {
  readonly topics: readonly string[];
  /** The epoch of the log that `upTo` belongs to. */
  readonly epochId: string;
  /** The notifications up to this position are erased. Later ones stay. */
  readonly upTo: number;
}

/** The result of an erasure for one topic. */
export interface ErasedTopic {
  readonly topic: string;
  /**
   * The number of entries that this call removed: notifications and records of their retractions.
   */
  readonly count: number;
}

/** The dependencies of an erasure. */
export interface ErasureOptions {
  readonly store: Store;
  readonly time: Date;
  /** Called after the record is appended and before the store removes the notifications. */
  readonly onRecorded: (erasure: Erasure) => void;
}

/**
 * Erases the notifications of topics: first it appends a record, then the store removes them. After
 * a node receives the record, it delivers no older notification of the topics. If this process ends
 * between these two steps, the running nodes have already forgotten the notifications. The caller
 * repeats a call that has failed, and then the store removes the rest.
 */
export async function eraseTopics(
  topics: readonly string[],
  { store, time, onRecorded }: ErasureOptions,
): Promise<readonly ErasedTopic[]> {
  const erased: ErasedTopic[] = [];
  for (let at = 0; at < topics.length; at += RECORD_TOPICS_MAX) {
    const some = topics.slice(at, at + RECORD_TOPICS_MAX);
    const { epoch, appended } = await store.append([erasureDraft(some, time)]);
    const upTo = appended[0]?.position ?? 0;
    onRecorded({ topics: some, epochId: epoch.id, upTo });
    for (const topic of some) {
      const { count } = await store.remove({ topic, upTo, epochId: epoch.id });
      erased.push({ topic, count });
    }
  }
  return erased;
}

function erasureDraft(topics: readonly string[], time: Date): Draft {
  const id = `$${globalThis.crypto.randomUUID()}`;
  const record = { id, topic: ERASURES, type: 'erased', time: time.toISOString(), data: { topics } };
  return { id, topic: ERASURES, json: JSON.stringify(record) };
}

/**
 * Parses the erased topics of a log entry. Empty if the entry is not the record of an erasure, or
 * if it is invalid.
 */
export function erasedTopicsOf({ topic, json }: LogEntry): readonly string[] {
  if (topic !== ERASURES) return [];
  try {
    const { topics } = (JSON.parse(json) as { data: { topics?: unknown } }).data;
    const isValid = Array.isArray(topics) && topics.every((name) => typeof name === 'string');
    return isValid ? (topics as readonly string[]) : [];
  } catch {
    return [];
  }
}
