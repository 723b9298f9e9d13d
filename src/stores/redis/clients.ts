import type { Cluster, Redis } from 'ioredis';
import { isBehind, isWrongPassword } from './errors.js';
import { retryMs } from '../shared/retry.js';
import type { RedisClientFactory, RedisClientSettings, RedisStoreSettings } from './options.js';

/** Returns a function that makes clients according to the options. */
export async function clientFactory({ connection, timeoutMs }: RedisStoreSettings): Promise<() => Redis | Cluster> {
  const settings = clientSettings(timeoutMs);
  const make = typeof connection === 'function' ? connection : await ownFactory(connection);
  return () => {
    const client = make(settings);
    if (client.options.keyPrefix) {
      client.disconnect();
      throw new RangeError('redisStore: the client made by connection has a keyPrefix; use the option prefix instead');
    }
    return client;
  };
}

async function ownFactory(connection: Exclude<RedisStoreSettings['connection'], RedisClientFactory>) {
  const { Redis } = await loadLibrary();
  return (settings: RedisClientSettings) =>
    typeof connection === 'string'
      ? new Redis(connection, settings)
      : new Redis({ ...connection, ...settings, replyMapping: 'legacy' });
}

async function loadLibrary() {
  try {
    return await import('ioredis');
  } catch (cause) {
    throw new Error('redisStore needs the package ioredis: npm install ioredis', { cause });
  }
}

/**
 * A call is answered or rejected soon: the client neither queues calls while it is offline nor
 * sends them twice.
 */
function clientSettings(timeoutMs: number): RedisClientSettings {
  return {
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    // Calls in flight are rejected at once when a connection closes.
    maxRetriesPerRequest: 0,
    // The store subscribes by itself, so that it knows when it is subscribed.
    autoResubscribe: false,
    connectTimeout: timeoutMs,
    // The client closes a connection that has no answer for this time, and rejects its calls.
    socketTimeout: timeoutMs,
    retryStrategy: retryMs,
    // The primary became a replica, or was replaced. A new connection may reach the new primary.
    reconnectOnError: (error) => error.message.startsWith('READONLY') || isBehind(error),
  };
}

/**
 * Clears the timer of `socketTimeout` when a connection closes. ioredis 5 leaves it running if a
 * reply is missing. The timer would close the next connection, and keep the process alive.
 */
export function dropSocketTimers(client: Redis | Cluster): void {
  if (client.isCluster) {
    client.on('+node', dropSocketTimers);
    return;
  }
  const timed: { socketTimeoutTimer?: NodeJS.Timeout | undefined } = client as object;
  client.on('close', () => {
    clearTimeout(timed.socketTimeoutTimer);
    timed.socketTimeoutTimer = undefined;
  });
}

/** Resolves once a client is ready; rejects at once if it cannot become ready. */
export function whenReady(client: Redis | Cluster): Promise<void> {
  return new Promise((resolve, reject) => {
    client.once('ready', resolve);
    client.on('error', (error: unknown) => {
      if (isWrongPassword(error)) reject(error as Error);
    });
    client.once('end', () => {
      reject(new Error('the client has given up'));
    });
    if (client.status === 'ready') resolve();
    // The client retries after a failed attempt; a Cluster's client connects by itself.
    else if (client.status === 'wait') client.connect().catch(() => undefined);
  });
}
