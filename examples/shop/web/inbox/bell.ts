import { createInbox } from 'nest-notifications/client/inbox';
import { defineInboxElement } from 'nest-notifications/client/inbox-element';
import { betweenTabs } from 'nest-notifications/client/tabs';
import { createElement, useState } from 'react';
import type { Role, User } from '../../shared/api.js';

defineInboxElement();

/** The texts of the element that differ from its own. */
const LABELS: Readonly<Record<Role, { readonly empty: string }>> = {
  customer: { empty: 'Shipped orders appear here.' },
  keeper: { empty: 'New orders appear here.' },
};

/** The bell of a user. All tabs share one connection, and all devices have the same state. */
export function Bell({ user }: { readonly user: User }) {
  const [inbox] = useState(() => createInbox({ url: '/inbox', share: betweenTabs(`inbox.${user.id}`) }));
  // React sets the properties `inbox` and `labels` of the element.
  return createElement('notification-inbox', { inbox, labels: LABELS[user.role] });
}
