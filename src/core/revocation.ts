import { digestOf } from './digest.js';
import type { Draft, LogEntry } from './notification.js';

/**
 * The prefix of topics for the library's own records. No client can name such a topic, because
 * `checkTopic` rejects the character. Every store delivers these records to every node, in the
 * order of the log.
 */
export const RESERVED_TOPIC_PREFIX = '$';

const REVOCATIONS = `${RESERVED_TOPIC_PREFIX}revocations`;

/** Ends the read access of a subscriber. */
export interface Revocation {
  readonly subscriber: string;
  /** Undefined: all topics. */
  readonly topics?: readonly string[] | undefined;
}

/** The topic of a subscriber's revocations. Its length does not depend on the subscriber's name. */
export async function revocationsTopic(subscriber: string): Promise<string> {
  return `${REVOCATIONS}.${await digestOf(subscriber)}`;
}

export async function revocationDraft({ subscriber, topics }: Revocation, time: Date): Promise<Draft> {
  const id = `$${globalThis.crypto.randomUUID()}`;
  const topic = await revocationsTopic(subscriber);
  const data = { subscriber, ...(topics && { topics }) };
  return { id, topic, json: JSON.stringify({ id, topic, type: 'revoked', time: time.toISOString(), data }) };
}

/**
 * Parses the revocation of a log entry. Undefined if the entry is not a revocation, or its record
 * is invalid.
 */
export function revocationOf({ topic, json }: LogEntry): Revocation | undefined {
  if (!topic.startsWith(REVOCATIONS)) return undefined;
  try {
    const { subscriber, topics } = (JSON.parse(json) as { data: Partial<Revocation> }).data;
    if (typeof subscriber !== 'string' || !(topics === undefined || Array.isArray(topics))) return undefined;
    return { subscriber, topics };
  } catch {
    return undefined;
  }
}
