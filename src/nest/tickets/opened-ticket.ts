import { positionIn } from '../../core/page.js';
import { openTicket, proofSuffix, type TicketClaims } from '../../wire/ticket.js';
import type { ReadContext } from '../context.js';

/**
 * A ticket that is opened for each past epoch costs some 10 µs, which an invalid ticket must not
 * multiply.
 */
const PAST_EPOCHS_MAX = 8;

export interface OpenedTicket {
  readonly claims: TicketClaims;
  /** What the ids of its stream carry behind the cursor. */
  readonly idSuffix: string;
}

/**
 * Opens a ticket of this log; undefined for any other text. A ticket of a past epoch is valid as
 * long as the log still holds all revocations that followed it: the present epoch continues the
 * past one at the ticket's position, and no entry was lost. A key that no longer seals still opens.
 */
export function openOwnTicket(
  { feed, keys }: Pick<ReadContext, 'feed' | 'keys'>,
  ticket: string,
): OpenedTicket | undefined {
  const { epoch } = feed.window;
  const continued = (epoch.before ?? []).filter(({ lost }) => lost !== true).slice(0, PAST_EPOCHS_MAX);
  for (const one of [epoch, ...continued]) {
    for (const keyed of keys.of(one)) {
      const claims = openTicket(keyed, ticket);
      if (!claims) continue;
      const place = positionIn(epoch, { epochId: one.id, position: claims.position });
      return place && { claims, idSuffix: proofSuffix(keyed, claims.id) };
    }
  }
  return undefined;
}
