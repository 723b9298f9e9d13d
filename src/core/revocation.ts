import type { Draft, LogEntry } from './notification.js';

/**
 * Topics that begin with it hold the library's own records. No client can name one: `checkTopic` refuses the character. What
 * stands in the log is told to every node, in its order, by any store.
 */
export const RESERVED_TOPIC_PREFIX = '$';

const REVOCATIONS = `${RESERVED_TOPIC_PREFIX}revocations`;

/** That a subscriber may no longer read. */
export interface Revocation {
  readonly subscriber: string;
  /** Undefined: all. */
  readonly topics?: readonly string[] | undefined;
}

/** The record of a revocation. */
export function revocationDraft({ subscriber, topics }: Revocation, time: Date): Draft {
  const id = `$${globalThis.crypto.randomUUID()}`;
  const data = { subscriber, ...(topics && { topics }) };
  const json = JSON.stringify({ id, topic: REVOCATIONS, type: 'revoked', time: time.toISOString(), data });
  return { id, topic: REVOCATIONS, json };
}

/** The revocation that an entry of the log is; undefined if it is none, or one that cannot be understood. */
export function revocationOf({ topic, json }: LogEntry): Revocation | undefined {
  if (topic !== REVOCATIONS) return undefined;
  try {
    const { subscriber, topics } = (JSON.parse(json) as { data: Partial<Revocation> }).data;
    if (typeof subscriber !== 'string' || !(topics === undefined || Array.isArray(topics))) return undefined;
    return { subscriber, topics };
  } catch {
    return undefined;
  }
}
