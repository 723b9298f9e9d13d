import type { AccessRules } from 'nest-notifications';
import type { ShopRequest } from '../auth/signed-in.js';
import { topicsOf } from './topics.js';

/** The guard has set the user. A stream ends when the session of its user expires. */
const session = {
  subscriber: ({ request }) => request.user?.id,
  expiresAt: ({ request }) => request.user?.expiresAt,
} satisfies AccessRules<ShopRequest>;

/** Customers read their own topic, and keepers read the topic of keepers. */
export const orderAccess: AccessRules<ShopRequest> = {
  ...session,
  topics: ({ request }) => (request.user ? topicsOf(request.user) : []),
  read: {
    'user.:id': ({ subscriber }, { id }) => id === subscriber,
    keepers: ({ request }) => request.user?.role === 'keeper',
  },
};

/** Each signed-in user has an inbox. */
export const inboxAccess: AccessRules<ShopRequest> = session;

/** All signed-in users read the stock levels. */
export const stockAccess: AccessRules<ShopRequest> = {
  ...session,
  read: { stock: ({ subscriber }) => subscriber !== undefined },
};
