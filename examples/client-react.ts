import { betweenTabs } from 'nest-notifications/client/tabs';
import { NotificationsProvider, useNotifications } from 'nest-notifications/react';
import { createElement, type ReactElement } from 'react';

/** All components below the provider, and all tabs of this user, share one connection. */
export function App({ userId }: { userId: string }): ReactElement {
  const options = { url: '/notifications', topics: ['orders'], share: betweenTabs(userId) };
  return createElement(NotificationsProvider, { options }, createElement(Badge), createElement(Orders));
}

function Badge(): ReactElement {
  const { notifications, clear } = useNotifications();
  return createElement('button', { onClick: clear }, `${notifications.length} new`);
}

function Orders(): ReactElement {
  const { notifications, state } = useNotifications();
  const items = notifications.map(({ id, type }) => createElement('li', { key: id }, type));
  return createElement('ul', { 'aria-busy': state.phase !== 'live' }, items);
}
