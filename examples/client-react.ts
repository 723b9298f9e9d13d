import { NotificationsProvider, useNotifications } from 'nest-notifications/react';
import { createElement, type ReactElement } from 'react';

/** Around the whole application. All components and all tabs of this user share one connection. */
export function App({ userId }: { userId: string }): ReactElement {
  const options = { url: '/notifications', topics: ['orders'], share: userId };
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
