import { positionIn } from '../../core/page.js';
import { openTicket, proofSuffix, type TicketClaims } from '../../wire/ticket.js';
import type { ReadContext } from '../context.js';

/**
 * Opening a ticket costs about 10 µs for each epoch. The limit bounds the cost of an invalid
 * ticket.
 */
const PAST_EPOCHS_MAX = 8;

export interface OpenedTicket {
  readonly claims: TicketClaims;
  /** The suffix of the event ids of its stream. It follows the cursor. */
  readonly idSuffix: string;
}

/**
 * Opens a ticket of this log; undefined for any other text. A ticket of a past epoch is valid while
 * the log still holds all revocations that are newer than the ticket. For this, the past epoch must
 * contain the ticket's position, and no entry may have been lost when it ended. All keys are tried,
 * also those that seal no new tickets.
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
      const position = positionIn(epoch, { epochId: one.id, position: claims.position });
      return position && { claims, idSuffix: proofSuffix(keyed, claims.id) };
    }
  }
  return undefined;
}
