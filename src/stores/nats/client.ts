import type { JetStreamManager } from '@nats-io/jetstream';
import type * as jetstream from '@nats-io/jetstream';
import type * as transport from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { reconnectMs } from '../../core/backoff.js';
import type { NotificationsError } from '../../core/errors.js';
import { unavailable } from '../shared/unavailable.js';
import type { NatsSettings } from './options.js';

export type Library = Pick<typeof transport, 'connect' | 'headers' | 'createInbox'> &
  Pick<typeof jetstream, 'jetstreamManager'>;

/** The client library with its connection. */
export interface Client {
  readonly library: Library;
  readonly nc: NatsConnection;
  readonly jsm: JetStreamManager;
}

export const REJECTED = 'The NATS server rejects the user, password or token in the option connection.';
const REJECTIONS = ['AuthorizationError', 'UserAuthenticationExpiredError'];
/** Errors of requests that no leader has answered. */
const TRANSIENT = ['TimeoutError', 'NoResponders', 'JetStreamNotEnabled', 'RequestError'];
/** The status of answers from a cluster that has no leader, or no capacity yet. */
const UNAVAILABLE_STATUS = 503;
/** The client library closes a connection after three pings without an answer. */
const PING_MS = 10_000;
const RECONNECT_MS = 200;

/**
 * The library adds the delay to the wall-clock time of its last attempt. If the clock is set back
 * by an hour, the library would wait for that hour. So the next delay is negative: it subtracts the
 * time by which the clock was set back.
 */
function reconnectDelay(delayMs = RECONNECT_MS): () => number {
  const aheadMs = (): number => Date.now() - performance.now();
  let before = aheadMs();
  return () => {
    const now = aheadMs();
    const setBackMs = Math.max(0, before - now);
    before = now;
    return setBackMs > delayMs ? -setBackMs : reconnectMs(delayMs, delayMs);
  };
}

/** @throws NotificationsError `store_unavailable` if no server can be reached in time */
export async function connectClient({ connection, timeoutMs }: NatsSettings): Promise<Client> {
  const library = await loadLibrary();
  try {
    const nc = await library.connect({
      pingInterval: PING_MS,
      reconnectDelayHandler: reconnectDelay(connection.reconnectTimeWait),
      timeout: timeoutMs,
      ...connection,
      reconnect: true,
      maxReconnectAttempts: -1,
      // A server may reject clients for a short time while its accounts are set up.
      ignoreAuthErrorAbort: true,
    });
    const jsm = await library.jetstreamManager(nc, { timeout: timeoutMs, checkAPI: false });
    return { library, nc, jsm };
  } catch (cause) {
    if (isRejection(cause)) throw unavailable(REJECTED, cause);
    throw unavailable(`The NATS server cannot be reached: ${nameOf(cause)}.`, cause);
  }
}

/** The error of a call that takes too long. */
export function noAnswer(): NotificationsError {
  return unavailable('The NATS server does not answer in time.');
}

/** True if the server does not accept the credentials, or no longer accepts them. */
export function isRejection(error: unknown): boolean {
  return REJECTIONS.includes(nameOf(error));
}

/** True if a leader has answered with this error. */
export function isAnswer(error: unknown): boolean {
  const { name, status } = error as { name?: string; status?: number };
  return !TRANSIENT.includes(name ?? '') && status !== UNAVAILABLE_STATUS;
}

async function loadLibrary(): Promise<Library> {
  try {
    const [{ connect, headers, createInbox }, { jetstreamManager }] = await Promise.all([
      import('@nats-io/transport-node'),
      import('@nats-io/jetstream'),
    ]);
    return { connect, headers, createInbox, jetstreamManager };
  } catch (cause) {
    const message = 'natsStore needs its client library: npm install @nats-io/transport-node @nats-io/jetstream';
    throw new Error(message, { cause });
  }
}

/**
 * The name of an error. Its message may contain secrets, so only JetStream's own messages are used.
 */
export function nameOf(cause: unknown): string {
  if (!(cause instanceof Error)) return 'unknown error';
  return cause.name === 'JetStreamApiError' ? `${cause.name}, ${cause.message}` : cause.name;
}
