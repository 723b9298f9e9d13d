import type { Writable } from 'node:stream';
import type { Runtime } from './runtime.js';

/**
 * To be called when something was written that is not taken at once: cuts the connection of a client that leaves it unread. What waits for it here, and its place
 * among the waiters, would be held for as long as its network says nothing. Its cursor is its own, so it loses nothing.
 *
 * @param until the event by which it says that the client has taken what was written
 */
export function cutWhenUnread(
  out: Writable,
  until: 'drain' | 'finish',
  { clock, settings }: Pick<Runtime, 'clock' | 'settings'>,
): void {
  const timer = clock.setTimeout(() => out.destroy(), settings.stream.unreadMsMax);
  const done = (): void => {
    clock.clearTimeout(timer);
    out.off(until, done);
    out.off('close', done);
  };
  out.on(until, done);
  out.on('close', done);
}
