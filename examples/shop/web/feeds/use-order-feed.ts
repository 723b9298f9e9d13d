import type { NotificationOf } from 'nest-notifications/client';
import { useNotifications } from 'nest-notifications/react';
import type { Role } from '../../shared/api.js';
import type { OrderFeed } from '../../shared/notifications.js';

/** The bell shows this many notifications. */
export const NOTIFICATIONS_MAX = 50;

export type OrderNotification = NotificationOf<OrderFeed>;

/** The feed of orders. The options are those of the provider in shop.tsx. */
export const useOrderFeed = () => useNotifications<OrderNotification>();

/** The text of a notification for a reader. */
export function describe({ type, data }: OrderNotification, role: Role): string {
  const order = `Order ${data.orderId}`;
  if (role === 'customer')
    return type === 'order.placed' ? `${order} is placed` : `${order} was shipped with ${data.carrier}`;
  if (type === 'order.placed') return `${data.customer} placed order ${data.orderId}`;
  return `${order} of ${data.customer} was shipped with ${data.carrier}`;
}
