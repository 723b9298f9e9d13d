// Compiled, not run: the published types in a project that has neither Nest nor Node's types.
import {
  type Auth,
  connect,
  type ConnectOptions,
  cursorIn,
  FeedError,
  type FeedState,
  type NotificationsFeed,
  topicOf,
} from 'nest-notifications-client';
import { NotificationsProvider, useNotifications } from 'nest-notifications-client/react';
import { betweenTabs } from 'nest-notifications-client/tabs';

interface Order {
  readonly id: string;
  readonly data: { readonly orderId: string };
}

// With exactOptionalPropertyTypes an application may pass a setting that it does not have.
const options: ConnectOptions = {
  url: '/notifications',
  topics: [topicOf('user', 'ann')],
  store: cursorIn(sessionStorage, 'orders'),
  auth: (): Auth => ({ token: 'token', expiresAt: new Date() }),
  share: betweenTabs('ann'),
  onGap: ({ reason }) => console.log(reason),
  signal: undefined,
};

export const feed: NotificationsFeed<Order> = connect<Order>(options);
export const phase: FeedState['phase'] = feed.state.phase;

export async function read(): Promise<void> {
  try {
    for await (const { data } of feed) console.log(data.orderId);
  } catch (error) {
    if (error instanceof FeedError) console.log(error.code, error.status);
  }
}

export function Orders(): string {
  return useNotifications<Order>({ keep: 5 })
    .notifications.map(({ data }) => data.orderId)
    .join();
}

// Each of these would compile if the types were `any`.
// @ts-expect-error
connect({ url: '/notifications', share: 'ann' });
// @ts-expect-error
feed.state.reason = 'none';
// @ts-expect-error
useNotifications({ keep: 'five' });

export { NotificationsProvider };
