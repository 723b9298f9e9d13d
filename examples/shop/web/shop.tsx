import { betweenTabs } from 'nest-notifications/client/tabs';
import { NotificationsProvider } from 'nest-notifications/react';
import { useEffect, useMemo, useState } from 'react';
import type { Session } from '../shared/api.js';
import { textOf } from './api.js';
import { CustomerView } from './customer/customer-view.js';
import { ConnectionPill } from './feeds/connection-pill.js';
import { Toasts } from './feeds/toasts.js';
import { useOrderFeed } from './feeds/use-order-feed.js';
import { Bell } from './inbox/bell.js';
import { KeeperView } from './keeper/keeper-view.js';
import { Problem } from './parts/problem.js';
import type { SessionActions } from './session/use-session.js';

interface ShopProps {
  readonly session: Session;
  /** The server's time at which the page was opened. */
  readonly since: string;
  readonly actions: SessionActions;
}

/** All components below, and all tabs of this user, share one connection to the feed of orders. */
export function Shop({ session, since, actions }: ShopProps) {
  const { user, topics } = session;
  const options = useMemo(
    () => ({
      url: '/notifications',
      // The request names the topics. The server refuses them if another tab has changed the session.
      topics,
      share: betweenTabs(user.id),
    }),
    [topics, user.id],
  );
  return (
    <NotificationsProvider options={options}>
      <Header session={session} actions={actions} />
      <main id="main">{user.role === 'keeper' ? <KeeperView user={user} /> : <CustomerView user={user} />}</main>
      <Toasts role={user.role} since={since} />
    </NotificationsProvider>
  );
}

function Header({ session, actions }: Omit<ShopProps, 'since'>) {
  const { user } = session;
  const { error } = useOrderFeed();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    // The session has expired, or belongs to another user now.
    if (error !== undefined) actions.reload();
  }, [error, actions]);
  const signOut = () => {
    actions.signOut().catch((caught: unknown) => {
      setProblem(textOf(caught));
    });
  };
  return (
    <header className="top">
      <a className="skip" href="#main">
        Skip to the content
      </a>
      <h1 className="brand">Corner Shop</h1>
      <ConnectionPill />
      <div className="account">
        <Bell user={user} />
        <span className="user">
          {user.name}
          {user.role === 'keeper' && <span className="muted"> · keeper</span>}
        </span>
        <button className="quiet" onClick={signOut}>
          Sign out
        </button>
      </div>
      <Problem text={problem} />
    </header>
  );
}
