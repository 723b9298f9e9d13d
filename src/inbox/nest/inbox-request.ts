import { NotificationsError } from '../../core/errors.js';
import { type HttpRequest, queryOf, type ReadRequest } from '../../wire/request.js';
import type { InboxListRequest } from './inbox.js';
import type { InboxStatus } from './inbox-item.js';

/** A page of the list, or the live feed as a long poll or as a stream. */
export type InboxMode = 'page' | 'poll' | 'stream';

/**
 * The mode of a GET. A request with a cursor or a wait continues the live feed. Every other GET
 * reads a page.
 */
export function modeOf({ url }: HttpRequest, { transport, before }: ReadRequest): InboxMode {
  if (transport === 'sse') return 'stream';
  const query = new URLSearchParams(queryOf(url));
  return before === undefined && (query.has('cursor') || query.has('wait')) ? 'poll' : 'page';
}

/**
 * The filter of a page. The live feed has none, because its counts cover the whole inbox.
 * @throws NotificationsError `status_invalid` or `type_invalid`
 */
export function filterOf({ url }: HttpRequest, mode: InboxMode): Pick<InboxListRequest, 'status' | 'type'> {
  const query = new URLSearchParams(queryOf(url));
  const [status, ...others] = query.getAll('status');
  const types = query.getAll('type').flatMap((value) => value.split(','));
  if (others.length > 0) throw new NotificationsError('status_invalid', 'status is given several times; give it once');
  if (mode !== 'page' && status !== undefined) {
    throw new NotificationsError(
      'status_invalid',
      'status is for pages; remove it if the request has cursor or wait, or asks for a stream',
    );
  }
  if (mode !== 'page' && types.length > 0) {
    throw new NotificationsError(
      'type_invalid',
      'type is for pages; remove it if the request has cursor or wait, or asks for a stream',
    );
  }
  return { status: status as InboxStatus | undefined, type: types.length > 0 ? types : undefined };
}
