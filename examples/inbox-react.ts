import { createInbox } from 'nest-notifications/client/inbox';
import { useInbox } from 'nest-notifications/react';
import { createElement, type ReactElement } from 'react';

const inbox = createInbox({ url: '/inbox' });

/** A badge, a list, and a button that marks the shown items as read. */
export function Bell(): ReactElement {
  const snapshot = useInbox(inbox);
  const { items, counts } = snapshot;
  const markAll = (): void => void inbox.markAllRead(snapshot);
  return createElement(
    'section',
    null,
    createElement('button', { onClick: markAll }, `${counts.unread} unread`),
    createElement(
      'ul',
      null,
      items.map((item) => {
        const { id, type } = item.notification;
        const onClick = (): void => void inbox.markRead(item);
        return createElement('li', { key: id, onClick }, item.read ? type : `${type} (new)`);
      }),
    ),
  );
}
