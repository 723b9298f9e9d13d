import type { NotificationOf } from 'nest-notifications/client';
import { useNotifications } from 'nest-notifications/react';
import type { OrderFeed } from '../../shared/notifications.js';

/** The feed of orders. The options are those of the provider in shop.tsx. */
export const useOrderFeed = () => useNotifications<NotificationOf<OrderFeed>>();
