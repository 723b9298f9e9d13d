import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { NotificationsError } from '../core/errors.js';
import type { Epoch } from '../core/store.js';
import { fieldsOf } from './body.js';

/** The content of a ticket. It is encrypted, so that a URL does not reveal its user. */
export interface TicketClaims {
  /** Random. */
  readonly id: string;
  readonly subscriber: string;
  readonly topics: readonly string[];
  /** True if the request for the ticket named no topics. Then `topics` are the caller's own. */
  readonly areOwn: boolean;
  /**
   * The head of the log when the ticket was issued. A later revocation of the subscriber ends the
   * ticket.
   */
  readonly position: number;
  /** Deadline of the first use, in milliseconds since 1970. */
  readonly useByMs: number;
  /** Streams that were opened with the ticket end at this time, in milliseconds since 1970. */
  readonly endsAtMs: number;
}

/**
 * Proxies and servers accept URLs of about 8 KiB. The limit leaves half of that for the rest of the
 * URL.
 */
export const TICKET_LENGTH_MAX = 4_096;

const TICKET_PARAMETER = 'ticket';
const ID_BYTES = 12;
const IV_BYTES = 12;
const TAG_BYTES = 16;
/**
 * 15 bytes are 20 characters of base64url. A cursor, a dot and the proof must fit into
 * `CURSOR_LENGTH_MAX`.
 */
const PROOF_BYTES = 15;
const SEPARATOR = '.';

const BODY_FIELDS: readonly string[] = ['topics'];

/**
 * Reads the parsed JSON body of a request for a ticket. Undefined if it names no topics.
 * @throws NotificationsError `body_invalid`
 */
export function parseTicketBody(body: unknown): readonly string[] | undefined {
  if (body === undefined || body === null) return undefined;
  const { topics } = fieldsOf(body, BODY_FIELDS, 'an object with topics, or an empty object');
  if (topics === undefined) return undefined;
  if (Array.isArray(topics) && topics.every((topic) => typeof topic === 'string')) return topics;
  throw new NotificationsError('body_invalid', 'topics must be an array of strings');
}

export function newTicketId(): string {
  return randomBytes(ID_BYTES).toString('base64url');
}

/**
 * Seals a ticket for a URL: base64url of AES-256-GCM. All nodes of a store derive the same key from
 * the epoch, so no ticket of another log can be opened.
 *
 * nonce (12 bytes) | claims as JSON | tag (16 bytes)
 */
export function sealTicket({ secret }: Epoch, claims: TicketClaims): string {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keyOf(secret, 'ticket'), iv);
  const text = Buffer.concat([cipher.update(JSON.stringify(claims)), cipher.final()]);
  return Buffer.concat([iv, text, cipher.getAuthTag()]).toString('base64url');
}

/** Undefined if the text is not a ticket of this log. */
export function openTicket({ secret }: Epoch, ticket: string): TicketClaims | undefined {
  const bytes = Buffer.from(ticket, 'base64url');
  // Accept one spelling of each ticket only. Otherwise a second spelling would count as another
  // ticket.
  if (
    ticket.length > TICKET_LENGTH_MAX ||
    bytes.length <= IV_BYTES + TAG_BYTES ||
    bytes.toString('base64url') !== ticket
  ) {
    return undefined;
  }
  const decipher = createDecipheriv('aes-256-gcm', keyOf(secret, 'ticket'), bytes.subarray(0, IV_BYTES));
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    const text = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]);
    return JSON.parse(text.toString()) as TicketClaims;
  } catch {
    return undefined;
  }
}

/**
 * The suffix of the ids in a ticket's stream. It proves that the client has received the stream: a
 * party that knows only the URL cannot know the suffix.
 */
export function proofSuffix({ secret }: Epoch, ticketId: string): string {
  const proof = createHmac('sha256', keyOf(secret, 'proof')).update(ticketId).digest().subarray(0, PROOF_BYTES);
  return SEPARATOR + proof.toString('base64url');
}

/**
 * Removes the suffix from a last event id and returns the cursor. Undefined if the suffix is wrong.
 */
export function provenCursor(lastEventId: string, suffix: string): string | undefined {
  const given = Buffer.from(lastEventId.slice(-suffix.length));
  const proof = Buffer.from(suffix);
  if (given.length !== proof.length || !timingSafeEqual(given, proof)) return undefined;
  return lastEventId.slice(0, -suffix.length);
}

/**
 * The tickets in the query of a URL, in any spelling of the parameter's name: `?%74icket=` counts
 * too.
 */
export function ticketsOf(url: string): readonly string[] {
  // Most URLs have no ticket, and parsing a query costs ten times as much as this test.
  if (!/ticket|%/i.test(url)) return [];
  const tickets: string[] = [];
  redacted(url, (value) => tickets.push(value));
  return tickets;
}

/** A URL with its ticket replaced by `redacted`, for logs. */
export function redactTicket(url: string): string {
  return redacted(url, () => undefined);
}

/** Reads parameters as `URLSearchParams` does, and keeps the text of all except tickets. */
function redacted(url: string, onTicket: (value: string) => void): string {
  const [beforeHash = ''] = url.split('#', 1);
  const at = beforeHash.indexOf('?');
  if (at < 0) return url;
  const parameters = beforeHash.slice(at + 1).split('&');
  const written = parameters.map((parameter) => {
    const [entry] = new URLSearchParams(parameter);
    if (entry?.[0].toLowerCase() !== TICKET_PARAMETER) return parameter;
    onTicket(entry[1]);
    return `${parameter.split('=', 1)[0] ?? ''}=redacted`;
  });
  return url.slice(0, at + 1) + written.join('&') + url.slice(beforeHash.length);
}

function keyOf(secret: string, purpose: string): Buffer {
  return createHash('sha256').update(`nest-notifications ${purpose} ${secret}`).digest();
}
