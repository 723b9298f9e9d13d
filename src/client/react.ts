import {
  createContext,
  createElement,
  type ReactElement,
  type ReactNode,
  useContext,
  useEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
import type { Notification } from '../core/notification.js';
import type { Feed } from './feed.js';
import { FeedPool, IDLE } from './feed-pool.js';
import type { ConnectOptions, FeedState } from './options.js';

/**
 * Options of `useNotifications`. Another feed is opened when `url`, `topics`, `transport`, `share`, `ack`, `keep` or
 * `enabled` change. `auth` and `onGap` may change at will. The other options are read when the feed is opened.
 */
export interface UseNotificationsOptions extends ConnectOptions {
  /**
   * The most notifications that are kept, the newest ones.
   * @default 100
   */
  readonly keep?: number | undefined;
  /**
   * False: there is no feed and no connection.
   * @default true
   */
  readonly enabled?: boolean | undefined;
}

/** The feed of a component. */
export interface UseNotificationsResult<N extends object> {
  /** The oldest first. */
  readonly notifications: readonly N[];
  readonly state: FeedState;
  /** The reason why the feed has ended for good: a `FeedError`, or an error of the `store`. Undefined before. */
  readonly error: unknown;
  /** Undefined before the component is mounted, and while `enabled` is false. The hook closes it. */
  readonly feed: Feed<N> | undefined;
  /** Acknowledges a notification, with `ack: 'manual'`. Components that share the feed share this too. */
  readonly ack: (notification: N) => void;
  /** Empties `notifications`, for all components that share the feed. */
  readonly clear: () => void;
}

/** Props of `NotificationsProvider`. */
export interface NotificationsProviderProps {
  /** Options of all feeds below the provider. A component's own options take precedence. */
  readonly options?: Partial<UseNotificationsOptions>;
  readonly children?: ReactNode;
}

interface Provided {
  readonly pool: FeedPool;
  readonly options: Partial<UseNotificationsOptions> | undefined;
}

const Context = createContext<Provided | undefined>(undefined);

/**
 * Shares feeds among the components below it: those that use the same options have one feed, one connection and one list
 * of notifications. With `share`, the feed also shares its connection with other pages of the browser.
 *
 * ```tsx
 * <NotificationsProvider options={{ url: '/notifications', share: userId }}>
 *   <Bell />
 * </NotificationsProvider>
 * ```
 */
export function NotificationsProvider({ options, children }: NotificationsProviderProps): ReactElement {
  const [pool] = useState(() => new FeedPool());
  const provided = useMemo(() => ({ pool, options }), [pool, options]);
  return createElement(Context.Provider, { value: provided }, children);
}

/**
 * Follows a feed while the component is mounted.
 * @param options override those of the nearest `NotificationsProvider`
 * @throws Error if neither has a `url`
 */
export function useNotifications<N extends object = Notification>(
  options?: Partial<UseNotificationsOptions>,
): UseNotificationsResult<N> {
  const provided = useContext(Context);
  const [ownPool] = useState(() => new FeedPool());
  const pool = provided?.pool ?? ownPool;
  const merged = withUrl({ ...provided?.options, ...options });
  const latest = useRef(merged);
  useEffect(() => {
    latest.current = merged;
  });
  // A component may pass another cursor on every render; it counts only where the feed begins.
  const [cursor] = useState(merged.cursor);
  const { url, topics, transport, share, ack, keep = 100, enabled = true } = merged;
  const key = JSON.stringify([String(url), topics, transport, share, ack, keep, cursor]);
  const { subscribe, actions } = useMemo(() => {
    const join = (changed: () => void) => pool.join(key, keep, { options: () => latest.current, changed });
    return {
      subscribe: enabled ? join : () => () => undefined,
      actions: {
        ack: (notification: N) => pool.snapshot(key).feed?.ack(notification),
        clear: () => {
          pool.clear(key);
        },
      },
    };
    // The key contains `keep`.
  }, [pool, key, enabled]);
  const snapshot = useSyncExternalStore(
    subscribe,
    () => (enabled ? pool.snapshot(key) : IDLE),
    () => IDLE,
  );
  // The caller names the type of the notifications, as it does with `connect`.
  return useMemo(() => ({ ...snapshot, ...actions }) as UseNotificationsResult<N>, [snapshot, actions]);
}

function withUrl(options: Partial<UseNotificationsOptions>): UseNotificationsOptions {
  const { url } = options;
  if (url !== undefined) return { ...options, url };
  throw new Error('useNotifications has no `url`: pass one, or put it into the options of a NotificationsProvider');
}
