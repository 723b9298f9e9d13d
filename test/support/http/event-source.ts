import { EventSource } from 'eventsource';
import type { Notification } from 'nest-notifications';
import { atTestEnd } from './cleanup.js';
import type { Target } from './connection.js';

/**
 * For applications with such clients: when a `fetch` is aborted, undici connects anew in advance, and Node's
 * `server.close()` waits for a connection that has not brought a request yet.
 */
export const WITH_FETCH = { forceCloseConnections: true };

/** What an EventSource has told its application. */
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
