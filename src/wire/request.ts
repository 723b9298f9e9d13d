import Negotiator from 'negotiator';
import { type ErrorCode, NotificationsError } from '../core/errors.js';
import { type LogPosition, NOWHERE } from '../core/page.js';
import { checkTopic, TOPIC_LENGTH_MAX } from '../core/names.js';
import { disjointNames } from '../core/patterns.js';
import { EVENT_STREAM_TYPE, JSON_TYPE } from './protocol.js';

/** The bounds of a read. Their defaults and reasons are documented with the module's options. */
export interface RequestLimits {
  readonly topicsMax: number;
  readonly waitMs: number;
  readonly waitMsMax: number;
  readonly limit: number;
  readonly limitMax: number;
  /** The patterns that a request may name like topics. Default: none. */
  readonly patterns?: readonly string[] | undefined;
}

/** The parts of an HTTP request that this library reads. */
export interface HttpRequest {
  readonly method: string;
  /** Path and query, unchanged. */
  readonly url: string;
  /** Names in lower case, as `node:http` gives them. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** A parsed GET or QUERY. */
export interface ReadRequest {
  readonly transport: 'poll' | 'sse';
  /** Undefined when the query names none. Then the caller's own topics apply. */
  readonly topics: readonly string[] | undefined;
  readonly after: LogPosition | 'earliest' | 'latest';
  /** Set for a page of the history: the newest notifications up to this position. */
  readonly before: LogPosition | 'latest' | undefined;
  /** The cursor text of the client. Undefined if the request has none. */
  readonly cursor: string | undefined;
  readonly waitMs: number;
  readonly limit: number;
}

/** The dependencies of parsing. */
export interface RequestContext {
  readonly limits: RequestLimits;
  /** Undefined if the text is not a cursor. */
  readonly openCursor: (text: string) => LogPosition | undefined;
}

/**
 * The offered media types. Each is also offered with a charset, because some clients request one.
 */
const OFFERED = ['application/json', JSON_TYPE, EVENT_STREAM_TYPE, `${EVENT_STREAM_TYPE}; charset=utf-8`];

/** Express reads this number of parameters and ignores the others. */
export const QUERY_PARAMETERS_MAX = 1_000;

/** The parameters of a read: in the query of a GET, or in the body of a QUERY request. */
export const READ_PARAMETERS = ['topic', 'cursor', 'before', 'wait', 'limit'] as const;

/**
 * Query parameters for the cursor. `cursor` is the main name. Clients of event streams use the
 * others.
 */
const CURSOR_NAMES = ['cursor', 'lastEventId', 'last_event_id'];

/**
 * Parses `GET /notifications`.
 * @throws NotificationsError that names the invalid part, its value if it is short, and the allowed
 *   values
 */
export function parseReadRequest(request: HttpRequest, context: RequestContext): ReadRequest {
  const { limits } = context;
  const query = new URLSearchParams(queryOf(request.url));
  const transport = parseAccept(request);
  return {
    transport,
    topics: query.has('topic') ? parseTopics(query.getAll('topic'), limits) : undefined,
    before: parseBefore(transport, query, context),
    ...parseCursor(transport === 'sse' ? header(request, 'last-event-id') : undefined, query, context),
    waitMs: parseWaitMs(query, header(request, 'prefer'), limits),
    limit: parseLimit(query, limits),
  };
}

/** A longer pattern is shortened in an error message. */
const PATTERN_SHOWN_MAX = 60;
/** Characters of a topic, and `*` at the end. */
const PATTERN = /^[A-Za-z0-9._:@/~=-]*\*$/;

/**
 * Checks a list of topics from any source and removes repetitions. The list may also have declared
 * patterns. If a pattern of the list matches a topic, the topic is removed, because the pattern
 * includes it.
 * @throws NotificationsError `topic_missing`, `topic_invalid`, `topics_too_many` or
 *   `pattern_undeclared`
 */
export function checkTopics(
  topics: readonly string[],
  topicsMax: number,
  patterns: readonly string[] = [],
): readonly string[] {
  const distinct = [...new Set(topics)];
  if (distinct.length === 0) {
    throw new NotificationsError('topic_missing', 'topic is missing: name at least one, as in ?topic=orders');
  }
  if (distinct.length > topicsMax) {
    const message = `topic lists ${distinct.length} topics, at most ${topicsMax} are allowed in a request`;
    throw new NotificationsError('topics_too_many', message);
  }
  for (const name of distinct) if (!patterns.includes(name)) checkTopicName(name);
  // Sorted, so that requests for the same topics share their pages.
  return disjointNames(distinct.sort());
}

function checkTopicName(name: string): void {
  if (typeof name === 'string' && name.length <= TOPIC_LENGTH_MAX && PATTERN.test(name)) {
    const shown = name.length > PATTERN_SHOWN_MAX ? `${name.slice(0, PATTERN_SHOWN_MAX)}...` : name;
    const message = `pattern ${shown} is not declared by this feed`;
    throw new NotificationsError('pattern_undeclared', message);
  }
  checkTopic(name);
}

export function header(request: HttpRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/**
 * The query of a URL, without the `?`. Frameworks ignore a fragment and parameters beyond some
 * number. Guards of the application would not see these parts, so they are refused.
 * @throws NotificationsError `query_invalid`
 */
export function queryOf(url: string): string {
  if (url.includes('#')) throw new NotificationsError('query_invalid', 'the URL has a fragment; remove it');
  const at = url.indexOf('?');
  const query = at < 0 ? '' : url.slice(at + 1);
  // Each parameter takes at least one character.
  const count = query.length < QUERY_PARAMETERS_MAX ? 0 : query.split('&').length;
  if (count <= QUERY_PARAMETERS_MAX) return query;
  const message = `the query has ${count} parameters, at most ${QUERY_PARAMETERS_MAX} are allowed; give topics as one list, separated by commas`;
  throw new NotificationsError('query_invalid', message);
}

function parseTopics(values: readonly string[], { topicsMax, patterns }: RequestLimits): readonly string[] {
  return checkTopics(
    values.flatMap((value) => value.split(',')),
    topicsMax,
    patterns,
  );
}

function parseAccept(request: HttpRequest): ReadRequest['transport'] {
  const accept = header(request, 'accept');
  // The values that fetch, curl and EventSource send need no negotiation (RFC 9110, 12.5.1).
  if (accept === undefined || accept === '*/*' || accept === 'application/json') return 'poll';
  if (accept === EVENT_STREAM_TYPE) return 'sse';
  const chosen = new Negotiator({ headers: { accept } }).mediaType(OFFERED);
  if (!chosen) {
    throw new NotificationsError('not_acceptable', 'Accept must allow application/json or text/event-stream');
  }
  return chosen.startsWith(EVENT_STREAM_TYPE) ? 'sse' : 'poll';
}

/**
 * A browser sends `Last-Event-ID` by itself. The URL of its EventSource never changes, so this
 * header is newer than the cursor in the URL. If the header is invalid, the client gets a gap. The
 * browser's script cannot change this header, and a 400 would end the EventSource permanently.
 */
function parseCursor(
  lastEventId: string | undefined,
  query: URLSearchParams,
  { openCursor }: RequestContext,
): Pick<ReadRequest, 'after' | 'cursor'> {
  if (lastEventId) return { after: openCursor(lastEventId) ?? NOWHERE, cursor: lastEventId };
  const names = CURSOR_NAMES.filter((name) => query.getAll(name).some(Boolean));
  const [name] = names;
  if (!name) {
    if (query.has('cursor')) throw new NotificationsError('cursor_invalid', 'cursor is empty');
    return { after: 'latest', cursor: undefined };
  }
  if (names.length > 1) throw new NotificationsError('cursor_invalid', `${names.join(' and ')} both give a cursor`);
  const text = single(query, name, 'cursor_invalid') ?? '';
  if (text === 'earliest' || text === 'latest') return { after: text, cursor: undefined };
  const after = openCursor(text);
  if (!after) {
    const message = `${name} is not a cursor of this feed; send the cursor of the last answer unchanged, or earliest or latest`;
    throw new NotificationsError('cursor_invalid', message);
  }
  return { after, cursor: text };
}

/** A page of the history is read at once, in the opposite direction, and as JSON. */
function parseBefore(
  transport: ReadRequest['transport'],
  query: URLSearchParams,
  { openCursor }: RequestContext,
): ReadRequest['before'] {
  const text = single(query, 'before', 'before_invalid');
  if (text === undefined) return undefined;
  const other = ['wait', ...CURSOR_NAMES].find((name) => query.has(name));
  if (other) throw new NotificationsError('before_invalid', `before and ${other} exclude each other; leave one out`);
  const before = text === 'latest' ? text : openCursor(text);
  if (!before) {
    const message = 'before is not a cursor of this feed; send the cursor of the last answer unchanged, or "latest"';
    throw new NotificationsError('before_invalid', message);
  }
  if (transport === 'poll') return before;
  const message = 'before reads one page as JSON; send Accept: application/json, or omit the parameter "before"';
  throw new NotificationsError('before_invalid', message);
}

/**
 * `wait` in the query must be valid. `Prefer: wait` is a preference (RFC 7240, 4.3), applied within
 * the limits.
 */
function parseWaitMs(query: URLSearchParams, prefer: string | undefined, limits: RequestLimits): number {
  const { waitMs, waitMsMax } = limits;
  const text = single(query, 'wait', 'wait_invalid');
  if (text === undefined) {
    const wish = prefer === undefined ? undefined : /(?:^|,)\s*wait\s*=\s*"?(\d+)"?\s*(?:[,;]|$)/i.exec(prefer)?.[1];
    return wish === undefined ? waitMs : Math.min(Number(wish) * 1000, waitMsMax);
  }
  const seconds = wholeNumber(text);
  if (seconds === undefined || seconds * 1000 > waitMsMax) {
    const message = `wait must be a whole number of seconds from 0 to ${Math.floor(waitMsMax / 1000)}`;
    throw new NotificationsError('wait_invalid', message);
  }
  return seconds * 1000;
}

function parseLimit(query: URLSearchParams, { limit, limitMax }: RequestLimits): number {
  const text = single(query, 'limit', 'limit_invalid');
  if (text === undefined) return limit;
  const number = wholeNumber(text);
  if (number === undefined || number < 1 || number > limitMax) {
    throw new NotificationsError('limit_invalid', `limit must be a whole number from 1 to ${limitMax}`);
  }
  return number;
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/** The value of a parameter that may be given once. */
export function single(query: URLSearchParams, name: string, code: ErrorCode): string | undefined {
  const values = query.getAll(name);
  if (values.length > 1) throw new NotificationsError(code, `${name} is given ${values.length} times; give it once`);
  return values[0];
}
