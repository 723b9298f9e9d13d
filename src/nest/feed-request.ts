import { TIMER_MS_MAX } from '../core/clock.js';
import { NotificationsError } from '../core/errors.js';
import type { Feed } from '../core/feed.js';
import type { FeedHistoryRequest, FeedRequest, Start } from '../core/feed-request.js';
import { checkTopics } from '../wire/request.js';
import type { ReadContext } from './context.js';

/** A read by application code. The application is trusted, so no access rule runs. */
export interface PollRequest<Topic extends string = string> {
  /** The topics to read, at least one. Declared patterns count as topics. */
  readonly topics: readonly Topic[];
  /**
   * The position to read after: the cursor of an earlier page, the result of `cursor()`,
   * `'earliest'` or `'latest'`. Default `'latest'`.
   */
  readonly cursor?: string | undefined;
  /**
   * Milliseconds to wait while there are no new notifications. Default: the option `poll.waitMs`.
   */
  readonly waitMs?: number | undefined;
  /** Notifications per page. Default: the option `poll.limit`. */
  readonly limit?: number | undefined;
}

/** A read of the history by application code. No access rule runs, as for a poll. */
export interface HistoryRequest<Topic extends string = string> {
  readonly topics: readonly Topic[];
  /**
   * The position at which the page begins: the cursor of an earlier page, or `'latest'`. The page
   * has the newest notifications up to this position. Default `'latest'`.
   */
  readonly before?: string | undefined;
  /** Notifications per page. Default: the option `poll.limit`. */
  readonly limit?: number | undefined;
}

/**
 * Checks a read of the history by application code.
 * @throws NotificationsError that names the wrong part, its value and the allowed values
 */
export function historyRequest(context: ReadContext, request: HistoryRequest): FeedHistoryRequest {
  const { settings, cursors, feed } = context;
  const { before: text = 'latest', limit = settings.poll.limit } = request;
  checkLimit(limit, settings.poll.limitMax);
  const before = text === 'latest' ? text : cursors.open(text, feed.window.epoch);
  if (!before) throw new NotificationsError('before_invalid', 'before is not a cursor of this feed');
  return { topics: checkTopics(request.topics, settings.limits.topicsMax, settings.patterns), before, limit };
}

/**
 * Checks a request of application code.
 * @throws NotificationsError that names the wrong part, its value and the allowed values
 */
export function feedRequest({ settings, cursors, feed }: ReadContext, request: PollRequest): FeedRequest {
  const { poll, limits, patterns } = settings;
  const { cursor = 'latest', waitMs = poll.waitMs, limit = poll.limit } = request;
  // No proxy limits the wait of a call within the process.
  if (!(waitMs >= 0 && waitMs <= TIMER_MS_MAX)) {
    throw new NotificationsError('wait_invalid', `waitMs is ${waitMs}, must be a number from 0 to ${TIMER_MS_MAX}`);
  }
  checkLimit(limit, poll.limitMax);
  const after = cursor === 'latest' || cursor === 'earliest' ? cursor : cursors.open(cursor, feed.window.epoch);
  if (!after) throw new NotificationsError('cursor_invalid', 'cursor is not a cursor of this feed');
  return { topics: checkTopics(request.topics, limits.topicsMax, patterns), after, limit, waitMs };
}

/**
 * The position after which a read begins. The first block of a stream contains the cursor of this
 * position.
 */
export function startOf({ window: { epoch, head } }: Pick<Feed, 'window'>, after: FeedRequest['after']): Start {
  return after === 'latest' ? { epochId: epoch.id, position: head } : after;
}

/** @throws NotificationsError `limit_invalid` */
function checkLimit(limit: number, limitMax: number): void {
  if (Number.isSafeInteger(limit) && limit >= 1 && limit <= limitMax) return;
  throw new NotificationsError('limit_invalid', `limit is ${limit}, must be a whole number from 1 to ${limitMax}`);
}
