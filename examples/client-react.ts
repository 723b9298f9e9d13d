import { useNotifications } from 'nest-notifications/react';
import { createElement, type ReactElement } from 'react';

export function Orders(): ReactElement {
  const { notifications, state } = useNotifications({ url: '/notifications', topics: ['orders'] });
  const items = notifications.map(({ id, type }) => createElement('li', { key: id }, type));
  return createElement('ul', { 'aria-busy': state.phase !== 'live' }, items);
}
