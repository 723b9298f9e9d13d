import { type FocusEvent, type KeyboardEvent, useEffect, useRef, useState } from 'react';
import type { User } from '../../shared/api.js';
import { moment } from '../format.js';
import { useStored } from '../stored.js';
import { BellIcon } from '../parts/icons.js';
import { describe, type OrderNotification, useOrderFeed } from './use-order-feed.js';

/** The bell: the newest notifications, and how many of them this browser has not marked as read. */
export function Bell({ user }: { readonly user: User }) {
  const { notifications } = useOrderFeed();
  const [readUpTo, markRead] = useStored(`shop.read.${user.id}`);
  const [isOpen, setOpen] = useState(false);
  const bell = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const unread = unreadIn(notifications, readUpTo);
  const newest = notifications.at(-1)?.id;

  useEffect(() => {
    if (!isOpen) return undefined;
    const closeOutside = ({ target }: Event) => {
      if (!bell.current?.contains(target as Node)) setOpen(false);
    };
    document.addEventListener('pointerdown', closeOutside);
    return () => {
      document.removeEventListener('pointerdown', closeOutside);
    };
  }, [isOpen]);

  const onKeyDown = ({ key }: KeyboardEvent) => {
    if (key !== 'Escape' || !isOpen) return;
    setOpen(false);
    button.current?.focus();
  };
  const onBlur = ({ currentTarget, relatedTarget }: FocusEvent) => {
    // The focus has left the bell and its panel.
    if (relatedTarget && !currentTarget.contains(relatedTarget)) setOpen(false);
  };

  return (
    <div ref={bell} className="bell" onKeyDown={onKeyDown} onBlur={onBlur}>
      <button
        ref={button}
        className="quiet"
        aria-expanded={isOpen}
        aria-controls="bell-panel"
        aria-label={unread.size > 0 ? `Notifications, ${unread.size} unread` : 'Notifications'}
        onClick={() => {
          setOpen(!isOpen);
        }}
      >
        <BellIcon />
        {unread.size > 0 && <span className="badge">{unread.size}</span>}
      </button>
      {isOpen && (
        <section className="panel card" id="bell-panel" aria-label="Notifications" tabIndex={0}>
          <div className="panel-head">
            <h2>Notifications</h2>
            {unread.size > 0 && newest !== undefined && (
              <button
                className="quiet"
                onClick={() => {
                  markRead(newest);
                  // This button disappears, so the focus needs another element.
                  button.current?.focus();
                }}
              >
                Mark all as read
              </button>
            )}
          </div>
          <List {...{ notifications, unread, user }} />
        </section>
      )}
    </div>
  );
}

interface ListProps {
  readonly notifications: readonly OrderNotification[];
  readonly unread: ReadonlySet<string>;
  readonly user: User;
}

function List({ notifications, unread, user }: ListProps) {
  if (notifications.length === 0) {
    return (
      <p className="empty">
        {user.role === 'keeper' ? 'New orders appear here.' : 'Order something: its progress appears here.'}
      </p>
    );
  }
  return (
    <ol className="notifications">
      {[...notifications].reverse().map((notification) => (
        <li key={notification.id} data-unread={unread.has(notification.id) || undefined}>
          <span>
            {unread.has(notification.id) && <span className="visually-hidden">Unread: </span>}
            {describe(notification, user.role)}
          </span>
          <time dateTime={notification.time}>{moment(notification.time)}</time>
        </li>
      ))}
    </ol>
  );
}

/** The ids after the last read id. If that id is not in the list, all ids. */
function unreadIn(notifications: readonly OrderNotification[], readUpTo: string | undefined): ReadonlySet<string> {
  const read = notifications.findIndex(({ id }) => id === readUpTo);
  return new Set(notifications.slice(read + 1).map(({ id }) => id));
}
