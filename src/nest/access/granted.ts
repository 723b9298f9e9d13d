import type { NotificationsError } from '../../core/errors.js';
import type { RecordedRetraction } from '../../core/retraction.js';
import type { Rights } from '../../core/rights.js';
import type { ScopedItems } from '../../wire/idempotency.js';
import type { ReadRequest } from '../../wire/request.js';
import type { TicketClaims } from '../../wire/ticket.js';
import type { FrameworkRequest } from '../http/raw-response.js';

/** A read that the access rules allow. */
export interface GrantedRead {
  readonly asked: ReadRequest;
  readonly topics: readonly string[];
  /** Milliseconds until the caller's credentials expire. */
  readonly expiresInMs: number;
  readonly subscriber: string | undefined;
  readonly address: string | undefined;
  readonly rights: Rights | undefined;
  /** The suffix of the event ids of a stream. It follows the cursor. */
  readonly idSuffix: string;
  /** The feed's count of revocations before access was checked. */
  readonly revocations: number;
  /**
   * If set, the stream is opened and ended with this error, because an EventSource retries only
   * after status 200.
   */
  readonly refusal?: NotificationsError;
}

/** The content of a ticket that the access rules allow. */
export interface GrantedTicket {
  readonly claims: Pick<TicketClaims, 'subscriber' | 'topics' | 'areOwn' | 'endsAtMs'>;
  /** The feed's count of revocations before access was checked. */
  readonly revocations: number;
}

export type Granted = GrantedRead | GrantedTicket | ScopedItems | RecordedRetraction;

const GRANTED = Symbol('granted');

/** The guard stores its result on the request, for the controller. */
interface GrantedRequest extends FrameworkRequest {
  [GRANTED]?: Granted;
}

/** The read that the guard has allowed. */
export function grantedRead(request: FrameworkRequest): GrantedRead {
  return (request as GrantedRequest)[GRANTED] as GrantedRead;
}

/** The ticket that the guard has allowed. */
export function grantedTicket(request: FrameworkRequest): GrantedTicket {
  return (request as GrantedRequest)[GRANTED] as GrantedTicket;
}

/** The items that the guard has allowed to publish. */
export function grantedItems(request: FrameworkRequest): ScopedItems {
  return (request as GrantedRequest)[GRANTED] as ScopedItems;
}

/** The retraction that the guard has allowed. */
export function grantedRetraction(request: FrameworkRequest): RecordedRetraction {
  return (request as GrantedRequest)[GRANTED] as RecordedRetraction;
}

export function storeGranted(request: FrameworkRequest, granted: Granted): void {
  (request as GrantedRequest)[GRANTED] = granted;
}
