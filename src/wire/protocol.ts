/**
 * Constants of the HTTP protocol that server and client share. The file imports nothing, so a
 * browser can load it.
 */

export const JSON_TYPE = 'application/json; charset=utf-8';
/**
 * Without a charset: the WHATWG HTML standard requires UTF-8, and some clients compare the whole
 * value.
 */
export const EVENT_STREAM_TYPE = 'text/event-stream';
/**
 * For every answer, also for errors. An answer is meant for one caller, so no cache may store it.
 * Proxies may compress it.
 */
export const CACHE_CONTROL = 'no-cache, no-store';
/** For event streams: a proxy that compresses a stream would buffer it. */
export const STREAM_CACHE_CONTROL = 'no-cache, no-store, no-transform';
/**
 * The header with an error's `code`. Clients read it, because an exception filter may replace the
 * body.
 */
export const ERROR_HEADER = 'Notifications-Error';
/**
 * Names of the server-sent events that are not notifications. Notifications have no name, so
 * `onmessage` gets them.
 */
export const GAP_EVENT = 'gap';
export const CURSOR_EVENT = 'cursor';
export const RETRACTED_EVENT = 'retracted';
/** The maximum length of a cursor. */
export const CURSOR_LENGTH_MAX = 64;
/** The value of `Accept-Query` (RFC 10008): the media type of the body of a QUERY request. */
export const ACCEPT_QUERY = 'application/json';
