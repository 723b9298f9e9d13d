import { HttpException } from '@nestjs/common';
import { type ErrorCode, NotificationsError } from '../core/errors.js';
import type { ExplainOptions } from '../nest/explaining/notification-story.js';
import { NotificationsException } from '../nest/notifications.exception.js';
import { ERROR_HEADER } from '../wire/protocol.js';
import { queryOf } from '../wire/request.js';

/** The question of `GET explain`. */
export interface ExplainRequest extends ExplainOptions {
  readonly id: string;
  readonly feed: string | undefined;
}

/** The query parameter that an error is about. */
const FIELDS: Partial<Record<ErrorCode, string>> = {
  feed_unknown: 'feed',
  id_invalid: 'id',
  topic_invalid: 'topic',
  subscriber_invalid: 'subscriber',
  option_invalid: 'data',
};

/** @throws NotificationsError `feed_unknown` if the parameter is repeated */
export function parseFeed(url: string): string | undefined {
  return single(queryOf(url), 'feed', 'feed_unknown');
}

/** @throws NotificationsError if a parameter is repeated. The values are checked later. */
export function parseExplain(url: string): ExplainRequest {
  const query = queryOf(url);
  const data = single(query, 'data', 'option_invalid');
  if (data !== undefined && data !== 'true' && data !== 'false') {
    throw new NotificationsError('option_invalid', 'data must be true or false');
  }
  return {
    id: single(query, 'id', 'id_invalid') ?? '',
    feed: single(query, 'feed', 'feed_unknown'),
    subscriber: given(single(query, 'subscriber', 'subscriber_invalid')),
    topic: given(single(query, 'topic', 'topic_invalid')),
    data: data === 'true',
  };
}

/** The exception for an error, and the headers of its answer. */
export interface InspectorFailure {
  readonly exception: unknown;
  readonly headers: Readonly<Record<string, string>>;
}

/** The body of the exception names the wrong parameter. */
export function inspectorFailure(error: unknown): InspectorFailure {
  const known = error instanceof NotificationsError ? new NotificationsException(error) : error;
  if (!(known instanceof NotificationsException)) return { exception: known, headers: {} };
  const { code, retryAfterS } = known;
  const headers = {
    [ERROR_HEADER]: code,
    ...(retryAfterS !== undefined && { 'Retry-After': String(retryAfterS) }),
  };
  const field = FIELDS[code];
  if (field === undefined) return { exception: known, headers };
  const body = { ...(known.getResponse() as object), field };
  return { exception: new HttpException(body, known.getStatus(), { cause: known }), headers };
}

/** A form sends an empty text for an empty field. */
function given(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function single(query: string, name: string, code: ErrorCode): string | undefined {
  const values = new URLSearchParams(query).getAll(name);
  if (values.length > 1) throw new NotificationsError(code, `${name} is repeated; give it once`);
  return values[0];
}
