import type { Notification } from '../core/notification.js';
import { Deadline } from './abort.js';
import { authorize } from './authorization.js';
import { type Delivery, deliveryFrom, fieldsOf, isCursor } from './delivery.js';
import type { Environment } from './environment.js';
import { FeedError } from './errors.js';
import type { ConnectOptions } from './options.js';
import { fetchResponse, readPage, RetryableError } from './response.js';
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

/** The longest time for one page. */
const TIMEOUT_MS = 10_000;

/** Reads one page. @throws FeedError */
export async function readHistory(
  environment: Environment,
  options: ConnectOptions,
  { before = 'latest', limit = options.limit, controller }: HistoryOptions & { readonly controller: AbortController },
): Promise<HistoryPage<object>> {
  const { headers, credentials, auth } = options;
  const deadline = new Deadline(environment, controller);
  const read = async (isRefused: boolean): Promise<HistoryPage<object>> => {
    const authorization = await authorize(auth, isRefused);
    const request = {
      ...targetOf({ ...options, limit }, { before }),
      headers: { ...headers, ...authorization.headers },
      credentials,
      controller,
    };
    const response = await fetchResponse(environment, request, 'application/json');
    const page = pageFrom(await readPage(response, deadline));
    if (!page) throw new RetryableError('malformed');
    return page;
  };
  deadline.set(TIMEOUT_MS);
  try {
    return await read(false).catch((error: unknown) => {
      if (error instanceof FeedError && error.status === 401 && auth) return read(true);
      throw error;
    });
  } catch (error) {
    if (error instanceof FeedError) throw error;
    // Requests throw only these two errors, so another error comes from `auth`.
    const code = error instanceof RetryableError ? error.message : 'auth';
    throw new FeedError(`the history could not be read: ${code}`, { code });
  } finally {
    deadline.clear();
  }
}

function pageFrom(value: unknown): HistoryPage<object> | undefined {
  const delivery = deliveryFrom(value);
  const { more, follow, trimmed } = fieldsOf(value);
  if (!delivery || !isCursor(follow)) return undefined;
  const { notifications, cursor, gap } = delivery;
  return { notifications, cursor, gap, more: more === true, follow, trimmed: trimmed === true };
}
