import type { Environment } from '../environment.js';
import { finalErrorOf, requestJson } from '../request.js';
import { RetryableError } from '../response.js';
import { targetOf } from '../url.js';
import type { InboxOptions } from './types.js';
import { pageFrom } from './wire.js';
import type { InboxPage } from './wire-types.js';

/** The options of an inbox with its current filter. */
interface PageOptions extends InboxOptions {
  readonly signal: AbortSignal;
}

/** The number of pages without items that a list skips. More of them come from a faulty server. */
const EMPTY_PAGES_MAX = 10;

/** Reads the newest page. It also reads older ones until the list has enough items. */
export async function readPages<N extends object>(
  environment: Environment,
  options: PageOptions,
  itemsMin: number,
): Promise<InboxPage<N>> {
  let list = await readPage<N>(environment, options);
  let left = itemsMin + EMPTY_PAGES_MAX;
  while (left-- > 0 && list.more && list.items.length < itemsMin) {
    const { items, cursor, more } = await readPage<N>(environment, options, list.cursor);
    list = { ...list, items: [...list.items, ...items], cursor, more };
  }
  return list;
}

/** Reads one older page. @throws FeedError */
export async function readOnePage<N extends object>(
  environment: Environment,
  options: PageOptions,
  before: string,
): Promise<InboxPage<N>> {
  try {
    return await readPage<N>(environment, options, before);
  } catch (error) {
    throw finalErrorOf(error, 'older items could not be read');
  }
}

/** @throws RetryableError or FeedError */
async function readPage<N extends object>(
  environment: Environment,
  options: PageOptions,
  before?: string,
): Promise<InboxPage<N>> {
  const { url, limit, status, types, signal } = options;
  const query = { ...(status && { status }), ...(types && { type: types.join(',') }), ...(before && { before }) };
  const target = targetOf({ url, limit }, query);
  const page = pageFrom<N>(await requestJson(environment, options, { ...target, signal }));
  if (!page) throw new RetryableError('malformed');
  // After a snooze, the server lists the item again, and may still send `snoozedUntil`.
  if (status === 'snoozed') return page;
  return { ...page, items: page.items.map(({ snoozedUntil: _, ...item }) => item) };
}
