import { NotificationsError } from '../../core/errors.js';
import type { RedisWait } from './options.js';

/** The error of this store: the engine cannot execute the call now. */
export function unavailable(message: string, cause?: unknown): NotificationsError {
  if (cause instanceof NotificationsError) return cause;
  return new NotificationsError('store_unavailable', message, cause === undefined ? {} : { cause: bare(cause) });
}

/** Too few replicas have received a write. It may still become visible. */
export function notAcknowledged(wait: RedisWait, acknowledged: number): NotificationsError {
  return unavailable(
    `${acknowledged} of ${wait.replicas} replicas (wait.replicas) have acknowledged within ${wait.timeoutMs} ms.`,
  );
}

/** The script's error code if the engine has an older log than this node knows. */
export const BEHIND_CODE = 'NNBEHIND';

/** The error code of an append that has overtaken the previous one of its node. */
export const OUT_OF_ORDER_CODE = 'NNORDER';

/**
 * The error code of a call without the indexes of all patterns. The names of all patterns follow
 * the code.
 */
export const UNLISTED_CODE = 'NNPATTERNS';

/** The patterns of the log, if the script has rejected a call that did not list their indexes. */
export function unlistedPatterns(error: unknown): readonly string[] | undefined {
  if (!(error instanceof Error) || !error.message.startsWith(UNLISTED_CODE)) return undefined;
  return error.message.split(' ').slice(1);
}

export function isOutOfOrder(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith(OUT_OF_ORDER_CODE);
}

export function isBehind(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith(BEHIND_CODE);
}

/** Whether the engine has rejected the user name or the password. */
export function isWrongPassword(error: unknown): boolean {
  return error instanceof Error && /^(WRONGPASS|NOAUTH)/.test(reasonOf(error));
}

export function wrongPassword(error: unknown): NotificationsError {
  return unavailable(`Redis rejects the login: wrong password or user name (${reasonOf(error)}).`, error);
}

/** The reason in an error of the client library, for people. */
export function reasonOf(error: unknown): string {
  // In a Cluster, the reason is in the error of one of its nodes.
  if (error instanceof Error && 'lastNodeError' in error && error.lastNodeError) return reasonOf(error.lastNodeError);
  return error instanceof Error ? error.message : String(error);
}

/** True for an error reply of the engine. Lost connections and timeouts are reported elsewhere. */
export function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError';
}

/** A copy without the command and its arguments: these may be a notification or a password. */
function bare(error: unknown): Error {
  const copy = new Error(reasonOf(error));
  if (error instanceof Error) {
    copy.name = error.name;
    if (error.stack !== undefined) copy.stack = error.stack;
    if ('code' in error) Object.assign(copy, { code: error.code });
  }
  return copy;
}
