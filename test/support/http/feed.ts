import type { TestApp } from './app.js';
import { Connection, request, type Request, type Target } from './connection.js';
import type { Message } from './message.js';
import { turn, until } from '../time/until.js';

type Query = string;
type Headers = Request['headers'];

/** Sends a GET of the feed, and resolves with the answer. */
export function poll(target: Target, query: Query, headers: Headers = {}): Promise<Message> {
  return request(target, { path: `/notifications?${query}`, headers });
}

/** Sends a poll, and resolves when the application holds it. */
export async function holdPoll(app: TestApp, query: Query, headers: Headers = {}): Promise<Connection> {
  const before = app.counts().waiters;
  const connection = await Connection.open(app);
  connection.send({ path: `/notifications?${query}`, headers });
  await until(() => app.counts().waiters > before);
  return connection;
}

/** A POST of JSON. */
export function post(target: Target, body: unknown, headers: Headers = {}): Promise<Message> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return request(target, {
    method: 'POST',
    path: '/notifications',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: text,
  });
}

/** Publishes numbered notifications to a topic: `{ n: from }` and so on. */
export async function publish(app: TestApp, topic: string, count = 1, from = 1): Promise<string> {
  let cursor = '';
  for (let n = from; n < from + count; n++) {
    ({ cursor } = await app.service.publish(topic, { type: 'numbered', data: { n } }));
  }
  return cursor;
}

/** The numbers of the notifications on a page or in blocks. */
export function numbers(notifications: readonly { data: { n: number } }[]): number[] {
  return notifications.map(({ data }) => data.n);
}

/** `1` to `count`. */
export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

/**
 * Publishes to the topic `orders` until the sockets of stalled clients are full, or a stalled
 * client is disconnected.
 */
export async function backUp(app: TestApp): Promise<void> {
  const data = 'x'.repeat(60 * 1024);
  const { waiters } = app.counts();
  // The notifications are larger than the kernel's buffers of one connection.
  for (let count = 0; count < 1_000; count++) {
    await app.service.publish('orders', { type: 'padded', data });
    await turn();
    if (app.counts().waiters < waiters) return;
    if (count > 100 && [...app.sockets].some(({ writableLength }) => writableLength > 0)) return;
  }
  throw new Error('the sockets of the stalled clients are not full; publish more');
}
