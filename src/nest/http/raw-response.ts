import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';
import type { HttpRequest } from '../../wire/request.js';
import { CACHE_CONTROL, EVENT_STREAM_TYPE, JSON_TYPE, STREAM_CACHE_CONTROL } from '../../wire/protocol.js';
import type { Body } from '../../wire/encoder.js';

/** The common part of the requests of Express, Fastify and `NodeAdapter`. */
export interface FrameworkRequest extends HttpRequest {
  /** Frameworks change `url` inside routers, but never `originalUrl`. */
  readonly originalUrl: string;
  readonly body?: unknown;
  /** The client's address, as the framework determines it. */
  readonly ip?: string;
  readonly socket?: Socket;
}

/**
 * A response of any framework. Fastify's response has `raw` and `hijack`. Those of other frameworks
 * extend the response of node:http.
 */
export interface FrameworkResponse {
  readonly raw?: ServerResponse;
  hijack?(): unknown;
  getHeaders?(): Record<string, number | string | string[] | undefined>;
}

const TAKEN = Symbol('taken');

type TakenResponse = ServerResponse & { [TAKEN]?: true };

export function rawOf(response: FrameworkResponse): ServerResponse {
  return response.raw ?? (response as unknown as ServerResponse);
}

/**
 * Takes the response over from the framework. The headers that the application has set, such as
 * CORS headers and cookies, are kept. Nest does not reply (see `leaveTakenResponses`), no
 * serializer changes the body, and no framework adds an ETag.
 */
export function takeOver(response: FrameworkResponse): ServerResponse {
  const raw: TakenResponse = rawOf(response);
  raw[TAKEN] = true;
  if (response.hijack) {
    response.hijack();
    for (const [name, value] of Object.entries(response.getHeaders?.() ?? {})) {
      // The functions below set `Cache-Control` themselves.
      if (value !== undefined && name !== 'cache-control' && !raw.hasHeader(name)) raw.setHeader(name, value);
    }
  }
  return raw;
}

/** A connection, or one stream of HTTP/2. */
export interface ResponseConnection {
  readonly destroyed: boolean;
  destroy(): unknown;
  once(event: 'close', listener: () => void): unknown;
  off(event: 'close', listener: () => void): unknown;
}

/**
 * In HTTP/2 a response is a stream of its own. In HTTP/1.1 a pipelined response has no socket yet,
 * but its request has.
 */
export function connectionOf(raw: ServerResponse): ResponseConnection {
  return isHttp1(raw) ? raw.req.socket : (raw as unknown as Http2ServerResponse).stream;
}

/** Calls the listener when a response has ended, or its client has left. */
export function onClose(raw: ServerResponse, listener: () => void): void {
  raw.on('close', listener);
  // A pipelined response has no socket until the responses before it have ended, so it does not
  // emit `close`.
  if (!raw.socket) raw.req.on('close', () => raw.req.socket.destroyed && listener());
}

/** True if only this library may write the response. */
export function isTaken(response: FrameworkResponse): boolean {
  return (rawOf(response) as TakenResponse)[TAKEN] === true;
}

/**
 * Writes a whole JSON answer. `close` asks the client to open a new connection for its next
 * request.
 */
export function writeJson(raw: ServerResponse, body: Body, options: { status?: number; close?: boolean } = {}): void {
  const headers: Record<string, string | number> = {
    'Content-Type': JSON_TYPE,
    'Content-Length': body.bytes,
    'Cache-Control': CACHE_CONTROL,
  };
  if (options.close && isHttp1(raw)) headers.Connection = 'close';
  raw.writeHead(options.status ?? 200, headers);
  raw.end(body.content);
}

/** Writes a value as a whole JSON answer. */
export function writeValue(raw: ServerResponse, value: unknown, status: number): void {
  writeText(raw, JSON.stringify(value), status);
}

/** Writes JSON text as a whole answer. */
export function writeText(raw: ServerResponse, text: string, status: number): void {
  writeJson(raw, { content: text, bytes: Buffer.byteLength(text) }, { status });
}

/** Answers without content (RFC 9110, 15.3.5). */
export function writeEmpty(raw: ServerResponse): void {
  raw.writeHead(204, { 'Cache-Control': CACHE_CONTROL });
  raw.end();
}

/** The methods that middleware replaces to change a response or to observe its end. */
const WRAPPED = ['writeHead', 'write', 'end'];

/** True if middleware has wrapped the response. */
export function isWrapped(raw: ServerResponse): boolean {
  return WRAPPED.some((name) => Object.hasOwn(raw, name));
}

/**
 * HTTP/2 has no `Connection` header, and Node.js rejects one there (RFC 9113, 8.2.2). The version
 * of the request proves nothing: a client of HTTP/1.1 may send `HTTP/2.0` in its request line.
 */
export function isHttp1(raw: ServerResponse): boolean {
  return !('stream' in raw);
}

/**
 * Begins an event stream. For HTTP/1.1 the body is chunked. Without chunks, only the close of the
 * connection ends the body, and some clients buffer such a body (RFC 9112, 6.3). The connection
 * serves no other request after the stream.
 */
export function writeStreamHead(raw: ServerResponse): void {
  const headers: Record<string, string> = {
    'Content-Type': EVENT_STREAM_TYPE,
    'Cache-Control': STREAM_CACHE_CONTROL,
    // Without this header, nginx and compatible proxies buffer 4 or 8 KiB before they send
    // anything.
    'X-Accel-Buffering': 'no',
  };
  if (isHttp1(raw)) headers.Connection = 'close';
  raw.writeHead(200, headers);
}

/** Answers a HEAD: the headers that a GET would begin with, and no body. */
export function writeHeadOnly(raw: ServerResponse, transport: 'poll' | 'sse'): void {
  const isStream = transport === 'sse';
  raw.writeHead(200, {
    'Content-Type': isStream ? EVENT_STREAM_TYPE : JSON_TYPE,
    'Cache-Control': isStream ? STREAM_CACHE_CONTROL : CACHE_CONTROL,
  });
  raw.end();
}
