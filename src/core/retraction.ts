import { digestOf } from './digest.js';
import type { Draft, LogEntry } from './notification.js';
import { RESERVED_TOPIC_PREFIX } from './revocation.js';

/** A retracted notification. Readers that have received it should remove it. */
export interface Retraction {
  readonly id: string;
  readonly topic: string;
}

/** A retraction in the log. */
export interface RecordedRetraction extends Retraction {
  /**
   * Identifies the caller over HTTP, for a bound of retractions per caller. Undefined if the
   * application retracted. The record for readers does not contain it.
   */
  readonly by?: string | undefined;
}

/** The topic from which a node reads all retractions when it starts. */
export const RETRACTIONS_TOPIC = `${RESERVED_TOPIC_PREFIX}retractions`;

/** The type of the record on the topic of the notification. No application can publish it. */
const RETRACTED_TYPE = `${RESERVED_TOPIC_PREFIX}retracted`;
/** Ids of applications cannot begin with this character. */
const RECORD_ID = `${RESERVED_TOPIC_PREFIX}retracted.`;

/**
 * The two records of a retraction, to be appended in one call. The first one is on the topic of
 * the notification, so it reaches each reader of the topic in the order of the log. The second one
 * is on `$retractions`, for nodes that start later.
 *
 * The ids are derived from the retraction, so a store appends a repeated retraction only once.
 *
 * @param suffix makes the ids different from those of an earlier retraction
 */
export async function retractionDrafts(
  retraction: RecordedRetraction,
  time: Date,
  suffix = '',
): Promise<readonly Draft[]> {
  const { id, topic, by } = retraction;
  const recordId = `${await retractionIdOf(retraction)}${suffix}`;
  const onTopic = { id: recordId, topic, type: RETRACTED_TYPE, time: time.toISOString(), data: { id } };
  const listed = { ...onTopic, id: `${recordId}.listed`, topic: RETRACTIONS_TOPIC, data: { id, topic, by } };
  return [onTopic, listed].map((record) => ({ id: record.id, topic: record.topic, json: JSON.stringify(record) }));
}

/** The id of the record of a notification's first retraction, on the topic of the notification. */
export async function retractionIdOf({ id, topic }: Retraction): Promise<string> {
  // Neither name can contain a space.
  return `${RECORD_ID}${await digestOf(`${topic} ${id}`)}`;
}

/** Whether an entry is the record of a retraction, and not a notification. */
export function isRetraction({ id }: Pick<LogEntry, 'id'>): boolean {
  return id.startsWith(RECORD_ID);
}

/** The entries of a list that are notifications. */
export function withoutRetractions(entries: readonly LogEntry[]): readonly LogEntry[] {
  return entries.some(isRetraction) ? entries.filter((entry) => !isRetraction(entry)) : entries;
}

/** The retractions among the entries of a list. */
export function retractionsIn(entries: readonly LogEntry[]): readonly Retraction[] {
  return entries.flatMap((entry) => retractionOf(entry) ?? []);
}

/**
 * Parses the retraction of a log entry. Undefined if the entry is not a retraction, or its record
 * is invalid.
 */
export function retractionOf(entry: LogEntry): RecordedRetraction | undefined {
  if (!isRetraction(entry)) return undefined;
  try {
    const { id, topic = entry.topic, by } = (JSON.parse(entry.json) as { data: Partial<RecordedRetraction> }).data;
    if (typeof id !== 'string' || typeof topic !== 'string') return undefined;
    return { id, topic, ...(typeof by === 'string' && { by }) };
  } catch {
    return undefined;
  }
}
