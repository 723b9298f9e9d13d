import { useCallback, useEffect, useMemo, useState } from 'react';
import type { Session, SessionState } from '../../shared/api.js';
import { request, sessionEvents, textOf } from '../api.js';

export type SessionView =
  | { readonly phase: 'loading' }
  | { readonly phase: 'failed'; readonly message: string }
  | { readonly phase: 'signed-out'; readonly notice?: string }
  | { readonly phase: 'signed-in'; readonly session: Session; readonly since: string };

export interface SessionActions {
  /** Reads the session again, for example after a feed was refused. */
  reload(): void;
  /** Throws an ApiError with a text for the user. */
  signIn(user: string, password: string): Promise<void>;
  signOut(): Promise<void>;
}

/** All tabs of a browser share the cookie. A tab that changes the session notifies the others. */
const CHANNEL = 'shop-session';

export function useSession(): [SessionView, SessionActions] {
  const [view, setView] = useState<SessionView>({ phase: 'loading' });

  const reload = useCallback(() => {
    request<SessionState>('GET', '/api/session').then(
      (state) => {
        setView((before) => viewOf(state, before));
      },
      (error: unknown) => {
        setView((before) => (before.phase === 'signed-in' ? before : { phase: 'failed', message: textOf(error) }));
      },
    );
  }, []);

  useEffect(() => {
    reload();
    const channel = new BroadcastChannel(CHANNEL);
    channel.onmessage = reload;
    sessionEvents.addEventListener('signed-out', reload);
    return () => {
      channel.close();
      sessionEvents.removeEventListener('signed-out', reload);
    };
  }, [reload]);

  const actions = useMemo<SessionActions>(
    () => ({
      reload,
      signIn: async (user, password) => {
        const state = await request<SessionState>('POST', '/api/session', { user, password });
        setView((before) => viewOf(state, before));
        notifyTabs();
      },
      signOut: async () => {
        await request('DELETE', '/api/session');
        setView({ phase: 'signed-out' });
        notifyTabs();
      },
    }),
    [reload],
  );
  return [view, actions];
}

function viewOf({ session, now }: SessionState, before: SessionView): SessionView {
  const wasSignedIn = before.phase === 'signed-in';
  if (session === null) {
    return wasSignedIn
      ? { phase: 'signed-out', notice: 'Your session has ended. Sign in again.' }
      : { phase: 'signed-out' };
  }
  // The user is the same, so the view and its feeds do not change.
  if (wasSignedIn && before.session.user.id === session.user.id) return before;
  return { phase: 'signed-in', session, since: now };
}

function notifyTabs(): void {
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage('changed');
  channel.close();
}
