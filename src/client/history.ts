import type { Notification } from '../core/notification.js';
import { type Delivery, deliveryFrom, fieldsOf, isCursor } from './delivery.js';
import type { Environment } from './environment.js';
import type { ConnectOptions } from './options.js';
import { finalErrorOf, requestJson } from './request.js';
import { RetryableError } from './response.js';
import { targetOf } from './url.js';

/** Options of `feed.history`. */
export interface HistoryOptions {
  /**
   * The page has the newest notifications up to this position: the `cursor` of an earlier page.
   * @default latest
   */
  readonly before?: string | undefined;
  /**
   * The maximum number of notifications on the page.
   * @default the option `limit` of `connect`, or the server's limit
   */
  readonly limit?: number | undefined;
}

/** One page of the history. */
export interface HistoryPage<N extends object = Notification> extends Delivery {
  /** Newest first. */
  readonly notifications: readonly N[];
  /** Pass it as `before` to read the next older page. */
  readonly cursor: string;
  /** Whether older notifications exist. */
  readonly more: boolean;
  /** A feed with this `cursor` receives everything newer than the page. */
  readonly follow: string;
  /**
   * Whether the history ends here because the server has removed older notifications of the feed.
   */
  readonly trimmed: boolean;
}

/** Reads one page. @throws FeedError */
export async function readHistory(
  environment: Environment,
  options: ConnectOptions,
  { before = 'latest', limit = options.limit, signal }: HistoryOptions & { readonly signal: AbortSignal },
): Promise<HistoryPage<object>> {
  try {
    const target = targetOf({ ...options, limit }, { before });
    const page = pageFrom(await requestJson(environment, options, { ...target, signal }));
    if (page) return page;
    throw new RetryableError('malformed');
  } catch (error) {
    throw finalErrorOf(error, 'the history could not be read');
  }
}

function pageFrom(value: unknown): HistoryPage<object> | undefined {
  const delivery = deliveryFrom(value);
  const { more, follow, trimmed } = fieldsOf(value);
  if (!delivery || !isCursor(follow)) return undefined;
  const { notifications, cursor, gap } = delivery;
  return { notifications, cursor, gap, more: more === true, follow, trimmed: trimmed === true };
}
