import type { ServerResponse } from 'node:http';
import { isHttp1 } from './reply.js';
import type { Runtime } from './runtime.js';

/**
 * To be called when something was written: cuts the connection of a client that leaves it unread. What waits for it here, and its place
 * among the waiters, would be held for as long as its network says nothing. Its cursor is its own, so it loses nothing.
 *
 * @param until the event by which the socket says that it has taken what was written
 */
export function cutWhenUnread(
  raw: ServerResponse,
  until: 'drain' | 'finish',
  { clock, settings }: Pick<Runtime, 'clock' | 'settings'>,
): void {
  if (isHttp1(raw) && raw.socket?.writableLength === 0) return;
  const timer = clock.setTimeout(() => raw.destroy(), settings.stream.unreadMsMax);
  const done = (): void => {
    clock.clearTimeout(timer);
    raw.off(until, done);
    raw.off('close', done);
  };
  raw.on(until, done);
  raw.on('close', done);
}
