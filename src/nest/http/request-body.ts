import { parse as parseContentType } from 'content-type';
import { NotificationsError } from '../../core/errors.js';
import { utf8Length } from '../../core/notification.js';
import { queryBytesMax, queryOfBody } from '../../wire/query.js';
import { header, type HttpRequest } from '../../wire/request.js';
import type { FrameworkRequest } from './raw-response.js';

/**
 * Returns the read of a request. A QUERY request has its parameters in the body, so it is converted
 * to the equivalent GET.
 * @throws NotificationsError `media_type_unsupported`, `body_too_large`, `body_invalid` or
 *   `topic_missing`
 */
export function readOf(request: FrameworkRequest, topicsMax: number): HttpRequest {
  const { method, headers, originalUrl: url } = request;
  if (method !== 'QUERY') return { method, headers, url };
  checkJsonBody(request, queryBytesMax(topicsMax));
  return { method: 'GET', headers, url: `?${queryOfBody(request.body, url)}` };
}

/** @throws NotificationsError `media_type_unsupported` or `body_too_large` */
export function checkJsonBody(request: FrameworkRequest, bytesMax: number): void {
  const { type } = parseContentType(header(request, 'content-type') ?? '', { parameters: false });
  if (type !== 'application/json' && !/^application\/[a-z0-9.-]+\+json$/.test(type)) {
    throw new NotificationsError('media_type_unsupported', 'Content-Type must be application/json');
  }
  const bytes = bodyBytes(request);
  if (bytes <= bytesMax) return;
  throw new NotificationsError('body_too_large', `the body has ${bytes} bytes, at most ${bytesMax} are allowed`);
}

/**
 * The size of the body in bytes. Without a `Content-Length`, or if the body was compressed, the
 * parsed body is measured as JSON. The application's parser has already limited the size of the
 * body.
 */
function bodyBytes(request: FrameworkRequest): number {
  const stated = header(request, 'content-length');
  const isMeasured = stated === undefined || header(request, 'content-encoding') !== undefined;
  return isMeasured ? jsonBytes(request.body) : Number(stated);
}

/** @throws NotificationsError `body_invalid` for a body that is nested too deeply */
function jsonBytes(body: unknown): number {
  try {
    return utf8Length(JSON.stringify(body ?? null));
  } catch (error) {
    throw new NotificationsError('body_invalid', 'the body is nested too deeply', { cause: error });
  }
}
