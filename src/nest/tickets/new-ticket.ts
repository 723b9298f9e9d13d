import { NotificationsError } from '../../core/errors.js';
import { newTicketId, sealTicket, TICKET_LENGTH_MAX } from '../../wire/ticket.js';
import type { GrantedTicket } from '../access/granted.js';
import type { ReadContext } from '../context.js';

/** The answer to `POST <path>/tickets`. */
export interface Ticket {
  readonly ticket: string;
  /** The ticket must be used before this time, in the format of ISO 8601. */
  readonly expiresAt: string;
}

/**
 * Issues a ticket for a subscriber whose access was checked.
 * @throws NotificationsError `draining` if access changed meanwhile, or `topics_too_many`
 */
export function newTicket({ claims, revocations }: GrantedTicket, context: ReadContext): Ticket {
  const { feed, settings, clock, keys, observers } = context;
  const { epoch, head: position } = feed.window;
  // When the ticket is used, revocations after `position` are checked. This line checks the
  // revocations that happened during the access check.
  if (feed.isRevoked({ subscriber: claims.subscriber, revocations })) {
    throw new NotificationsError('draining', 'Access changed while the request was processed; retry.');
  }
  const useByMs = Math.min(clock.now() + settings.tickets.ttlMs, claims.endsAtMs);
  const ticket = sealTicket(keys.sealing(epoch), { ...claims, id: newTicketId(), position, useByMs });
  if (ticket.length > TICKET_LENGTH_MAX) {
    const message = `a ticket for these topics has ${ticket.length} characters, at most ${TICKET_LENGTH_MAX} fit into a URL`;
    throw new NotificationsError('topics_too_many', message);
  }
  observers.performed({ capability: 'tickets', operation: 'issue' });
  return { ticket, expiresAt: new Date(useByMs).toISOString() };
}
