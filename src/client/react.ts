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
import type { FeedState } from './connection-state.js';
import { FeedPool, IDLE } from './feed-pool.js';
import type { NotificationsFeed } from './notifications-feed.js';
import type { ConnectOptions } from './options.js';

export { useInbox } from './inbox/react.js';

/**
 * Options of `useNotifications`. The hook opens another feed when `url`, `topics`, `transport`,
 * `ack`, `keep`, `enabled` or the name of `share` changes. `auth` and `onGap` may change on every
 * render. A change of another option has no effect on an open feed.
 */
export interface UseNotificationsOptions extends ConnectOptions {
  /**
   * How many of the newest notifications the hook keeps.
   * @default 100
   */
  readonly keep?: number | undefined;
  /**
   * Whether the hook has a feed and a connection.
   * @default true
   */
  readonly enabled?: boolean | undefined;
}

/** The result of `useNotifications`. */
export interface UseNotificationsResult<N extends object> {
  /** The newest notifications, in order. */
  readonly notifications: readonly N[];
  readonly state: FeedState;
  /**
   * The error that ended the feed: a `FeedError`, or an error of the `store`. Undefined if no error
   * has ended the feed.
   */
  readonly error: unknown;
  /**
   * Undefined before the component is mounted, and while `enabled` is false. The hook closes the
   * feed when no component uses it, so do not close it yourself.
   */
  readonly feed: NotificationsFeed<N> | undefined;
  /** With `ack: 'manual'`: acknowledges a notification for all components that share the feed. */
  readonly ack: (notification: N) => void;
  /** Empties `notifications` of all components that share the feed. */
  readonly clear: () => void;
}

/** Props of `NotificationsProvider`. */
export interface NotificationsProviderProps {
  /** Options of all feeds below the provider. A component's own options override them. */
  readonly options?: Partial<UseNotificationsOptions>;
  readonly children?: ReactNode;
}

interface ProvidedFeeds {
  readonly pool: FeedPool;
  readonly options: Partial<UseNotificationsOptions> | undefined;
}

const Context = createContext<ProvidedFeeds | undefined>(undefined);

/**
 * Shares feeds among the components below it. Components with the same options have one feed, one
 * connection and one list of notifications. With the option `share`, they also share the connection
 * with other pages of the browser.
 *
 * ```tsx
 * <NotificationsProvider options={{ url: '/notifications', share: betweenTabs(userId) }}>
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
 * Reads a feed while the component is mounted.
 * @param options override the options of the nearest `NotificationsProvider`
 * @throws Error if neither these options nor the provider's have a `url`
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
  // A component may pass another cursor on every render; the feed starts from the first one.
  const [cursor] = useState(merged.cursor);
  const { url, topics, transport, share, ack, keep = 100, enabled = true } = merged;
  const key = JSON.stringify([String(url), topics, transport, share?.name, ack, keep, cursor]);
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
  // The caller chooses the type of the notifications, as with `connect`.
  return useMemo(() => ({ ...snapshot, ...actions }) as UseNotificationsResult<N>, [snapshot, actions]);
}

function withUrl(options: Partial<UseNotificationsOptions>): UseNotificationsOptions {
  const { url } = options;
  if (url !== undefined) return { ...options, url };
  throw new Error(
    'useNotifications has no `url`; pass it to the hook, or to the options of a NotificationsProvider ' +
      'from the same package',
  );
}
