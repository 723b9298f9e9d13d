import { EventSource } from 'eventsource';
import type { Notification } from 'nest-notifications';
import { atTestEnd } from './cleanup.js';
import type { Target } from './connection.js';

/**
 * For applications with clients that abort a `fetch`. Then undici opens a new connection in
 * advance, and Node's `server.close()` waits for a connection without a request.
 */
export const WITH_FETCH = { forceCloseConnections: true };

/** The events that an EventSource has received. */
export interface Heard {
  readonly source: EventSource;
  readonly notifications: Notification<string, string, { n: number }>[];
  readonly gaps: unknown[];
  /** Connections it has opened. */
  opened: number;
}

/** An EventSource as applications use it: `onmessage` for notifications, a listener for gaps. */
export function openEventSource({ port }: Target, query: string): Heard {
  const source = new EventSource(`http://127.0.0.1:${port}/notifications?${query}`);
  const heard: Heard = { source, notifications: [], gaps: [], opened: 0 };
  source.onopen = () => heard.opened++;
  source.onmessage = ({ data }) => heard.notifications.push(JSON.parse(data as string));
  source.addEventListener('gap', ({ data }) => heard.gaps.push(JSON.parse(data as string)));
  atTestEnd(() => {
    source.close();
  });
  return heard;
}
