/** Words of the HTTP protocol that server and client share. No imports, so that a browser can load them. */

export const JSON_TYPE = 'application/json; charset=utf-8';
/** Exactly this, without a charset: the WHATWG HTML standard fixes UTF-8, and some clients compare the whole value. */
export const EVENT_STREAM_TYPE = 'text/event-stream';
/** On every answer, errors included: an answer is for one caller, so no cache may keep it. Proxies may compress it. */
export const CACHE_CONTROL = 'no-cache, no-store';
/** On event streams: a proxy that compresses a stream would buffer it. */
export const STREAM_CACHE_CONTROL = `${CACHE_CONTROL}, no-transform`;
/** The header that carries an error's `code`, so that clients find it whatever an exception filter writes into the body. */
export const ERROR_HEADER = 'Notifications-Error';
/** Names of the server-sent events that are not notifications; notifications have no name, so `onmessage` gets them. */
export const GAP_EVENT = 'gap';
export const CURSOR_EVENT = 'cursor';
/** Upper bound of a cursor's length, for clients that reserve room for one. */
export const CURSOR_LENGTH_MAX = 64;
