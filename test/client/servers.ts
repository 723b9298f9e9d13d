import type { ConnectOptions, FeedError } from 'nest-notifications/client';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Environment, runtime } from '../../src/client/environment.js';
import { NotificationsFeed } from '../../src/client/notifications-feed.js';
import { atTestEnd } from '../support/http/cleanup.js';

/** Starts a server with a test's listener. It closes at the end of the test. Returns its origin. */
export async function startServer(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atTestEnd(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Opens a feed that closes at the end of the test. */
export function openFeed(
  options: ConnectOptions,
  environment: Partial<Environment> = {},
): NotificationsFeed<{ n: number }> {
  const feed = new NotificationsFeed<{ n: number }>(options, { ...runtime, random: () => 0, ...environment });
  atTestEnd(() => {
    feed.close();
  });
  return feed;
}

/** Resolves with the error that ends a feed. */
export function errorOf(feed: NotificationsFeed<{ n: number }>): Promise<FeedError> {
  return new Promise((resolve) => {
    feed.subscribe({
      error: (error) => {
        resolve(error as FeedError);
      },
    });
  });
}
