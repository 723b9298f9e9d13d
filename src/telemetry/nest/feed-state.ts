import { HttpException } from '@nestjs/common';
import { isReading, type PublishContext } from '../../nest/context.js';
import { NotificationsException } from '../../nest/notifications.exception.js';
import type { FeedState } from '../feed-metrics.js';

/** The name of the feed without a name. */
export const DEFAULT_FEED = 'default';

/** Reads the state of a feed; undefined for a feed that only publishes. */
export function feedStateOf(context: PublishContext): (() => FeedState) | undefined {
  if (!isReading(context)) return undefined;
  const { feed, unread } = context;
  return () => {
    const counts = { ...feed.counts(), ...unread.counts() };
    return { lagMs: feed.lagMs, load: feed.load(), counts };
  };
}

/** The code of an application's exception is its HTTP status, so the number of codes is bounded. */
export function codeOf(error: unknown): string {
  if (error instanceof NotificationsException) return error.code;
  return error instanceof HttpException ? `http_${error.getStatus()}` : 'other';
}
