import { connect } from 'nest-notifications/client';

interface View {
  showOlder(notifications: readonly object[]): void;
  showNewer(notification: object): void;
  /** Says that the list ends because the server has removed older notifications. */
  showThatOlderWereRemoved(): void;
}

/**
 * Shows the newest 20 orders, and then each new one. The returned function shows 20 older ones.
 */
export async function showOrders(url: string, view: View, signal: AbortSignal): Promise<() => Promise<void>> {
  const feed = connect({ url, topics: ['orders'], limit: 20, signal });
  let page = await feed.history();
  view.showOlder(page.notifications);
  // The feed begins right after the page, so no order is missing and none is shown twice.
  feed.subscribe((notification) => {
    view.showNewer(notification);
  });
  return async () => {
    if (page.more) {
      page = await feed.history({ before: page.cursor });
      view.showOlder(page.notifications);
    }
    if (page.trimmed) view.showThatOlderWereRemoved();
  };
}
