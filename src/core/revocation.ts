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

/** The topic of a subscriber's revocations: of fixed length, whatever the subscriber is called. */
export async function revocationsTopic(subscriber: string): Promise<string> {
  const digest = await globalThis.crypto.subtle.digest('SHA-256', new TextEncoder().encode(subscriber));
  const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${REVOCATIONS}.${hex}`;
}

/** The record of a revocation. */
export async function revocationDraft({ subscriber, topics }: Revocation, time: Date): Promise<Draft> {
  const id = `$${globalThis.crypto.randomUUID()}`;
  const topic = await revocationsTopic(subscriber);
  const data = { subscriber, ...(topics && { topics }) };
  return { id, topic, json: JSON.stringify({ id, topic, type: 'revoked', time: time.toISOString(), data }) };
}

/** The revocation that an entry of the log is; undefined if it is none, or one that cannot be understood. */
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
