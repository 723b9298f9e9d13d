import { useEffect, useRef, useState } from 'react';
import { Feed } from './feed.js';
import type { Notification } from '../core/notification.js';
import type { ConnectOptions, FeedState } from './options.js';

/** Options of `useNotifications`. A feed begins anew when `url`, `topics`, `transport` or `enabled` change; the others may change at will. */
export interface UseNotificationsOptions extends ConnectOptions {
  /** How many notifications are kept, the newest ones. Default 100. */
  readonly keep?: number;
  /** False: nothing is asked. Default true. */
  readonly enabled?: boolean;
}

/** What a component knows of its feed. */
export interface UsedNotifications<N> {
  /** The oldest first. */
  readonly notifications: readonly N[];
  readonly state: FeedState;
  /** Why the feed has ended for good. */
  readonly error: unknown;
}

const IDLE: FeedState = { phase: 'connecting', reason: undefined, transport: 'sse' };

/** Follows a feed for as long as the component is there. */
export function useNotifications<N extends object = Notification>(
  options: UseNotificationsOptions,
): UsedNotifications<N> {
  const { keep = 100, enabled = true } = options;
  const [used, setUsed] = useState<UsedNotifications<N>>({ notifications: [], state: IDLE, error: undefined });
  const latest = useRef(options);
  useEffect(() => {
    latest.current = options;
  });
  const { url, topics, transport } = options;
  const key = JSON.stringify([String(url), topics, transport, keep, enabled]);
  useEffect(() => {
    setUsed({ notifications: [], state: IDLE, error: undefined });
    if (!enabled) return undefined;
    const { auth } = latest.current;
    const feed = new Feed<N>({
      ...latest.current,
      ...(auth && { auth: (context) => latest.current.auth?.(context) }),
      onGap: (gap) => latest.current.onGap?.(gap),
    });
    feed.onState((state) => {
      setUsed((before) => ({ ...before, state }));
    });
    feed.subscribe({
      next: (notification) => {
        setUsed((before) => ({ ...before, notifications: [...before.notifications, notification].slice(-keep) }));
      },
      error: (error) => {
        setUsed((before) => ({ ...before, error }));
      },
    });
    return () => {
      feed.close();
    };
    // The key stands for all that a feed is made of.
  }, [key]);
  return used;
}
