import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost } from '@nestjs/core';
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ReadRequest } from '../wire/request.js';
import { hold, isObserved, pollOf } from './answer.js';
import type { GrantedRead } from './notifications.guard.js';
import { optionError } from './options.js';
import { PollWriter } from './poll-writer.js';
import { isHttp1 } from './reply.js';
import type { Runtime } from './runtime.js';
import { asksInLoop } from './tight-loop.js';
import { RUNTIME } from './tokens.js';

/** What the guards made of a poll, and when. */
export interface Arrival {
  readonly granted: GrantedRead;
  readonly atMs: number;
  /** The feed's count of revocations at that time. */
  readonly revocations: number;
}

/** What polls that take the lane one after the other have in common. */
interface Form {
  /** The URL, before and behind its cursor. */
  readonly urlStart: string;
  readonly urlEnd: string;
  readonly requestHeaders: readonly string[];
  /** The same, as they are read. */
  readonly headers: IncomingHttpHeaders;
  /** What the application has set. */
  readonly responseHeaders: readonly (readonly [name: string, value: number | string | string[]])[];
}

/** A poll that went the whole way on a connection. */
interface Grant {
  readonly form: Form;
  readonly arrival: Arrival;
  /** One before it had the same form. */
  readonly isConfirmed: boolean;
}

type LaneSocket = Socket & Record<symbol, Grant | undefined>;

/** Written with every page, whoever writes it. */
const OWN_HEADERS = ['content-type', 'content-length', 'cache-control', 'connection'];
/** What middleware replaces on a response that it wants to change, or whose end it wants to see. */
const WRAPPED = ['writeHead', 'write', 'end'];

/**
 * Answers polls that repeat on a connection before the framework sees them: most of what a poll costs on Express, and half of it on
 * Fastify, is the framework.
 *
 * What makes it safe is that it knows a client by its connection, and a request by every byte of it but the cursor: who sends
 * other credentials, another path or another topic goes the whole way. Nothing is taken from the client for granted.
 */
@Injectable()
export class DirectLane implements OnApplicationBootstrap {
  readonly #runtime: Runtime;
  readonly #application: ApplicationConfig;
  readonly #adapterHost: HttpAdapterHost;
  readonly #onSocket = Symbol('grant');

  constructor(
    @Inject(RUNTIME) runtime: Runtime,
    @Inject(ApplicationConfig) application: ApplicationConfig,
    @Inject(HttpAdapterHost) adapterHost: HttpAdapterHost,
  ) {
    this.#runtime = runtime;
    this.#application = application;
    this.#adapterHost = adapterHost;
  }

  get isOpen(): boolean {
    return this.#runtime.settings.directLane.grantMs > 0;
  }

  onApplicationBootstrap(): void {
    if (!this.isOpen) return;
    if (isObserved(this.#application)) {
      const rule = 'must be 0 in an application with global interceptors or exception filters, which it would pass by';
      throw optionError('directLane.grantMs', this.#runtime.settings.directLane.grantMs, rule);
    }
    const server = this.#adapterHost.httpAdapter.getHttpServer() as Server;
    const wholeWay = server.listeners('request');
    server.removeAllListeners('request');
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const goWholeWay = (): void => {
        for (const listener of wholeWay) listener.call(server, request, response);
      };
      this.#answer(request, response, goWholeWay);
    });
  }

  /** What the guards have made of a poll that goes the whole way. */
  arrival(granted: GrantedRead): Arrival {
    const { clock, feed } = this.#runtime;
    return { granted, atMs: clock.monotonic(), revocations: feed.revocations };
  }

  /** Remembers a poll that went the whole way, now that it has been answered. */
  learn(raw: ServerResponse, arrival: Arrival): void {
    const { req: request } = raw;
    const socket = request.socket as LaneSocket;
    const before = socket[this.#onSocket]?.form;
    socket[this.#onSocket] = undefined;
    if (request.method !== 'GET' || !isHttp1(raw) || raw.hasHeader('set-cookie')) return;
    if (WRAPPED.some((name) => Object.hasOwn(raw, name))) return;
    const form = formOf(raw, arrival.granted.asked);
    if (!form) return;
    const isConfirmed = before !== undefined && isEqual(before, form);
    // What is equal is shared, so that a connection keeps little of its own.
    socket[this.#onSocket] = { form: isConfirmed ? before : form, arrival, isConfirmed };
  }

  #answer(request: IncomingMessage, response: ServerResponse, goWholeWay: () => void): void {
    const grant = this.#grantOf(request);
    const asked = grant && this.#understood(grant, request);
    if (!asked || this.#isLoop(grant, asked, request)) {
      goWholeWay();
      return;
    }
    const { rights, topics } = grant.arrival.granted;
    const decide = (allowed: readonly string[]): void => {
      if (allowed.length < topics.length || !this.#hold(response, grant, asked)) goWholeWay();
    };
    try {
      const allowed = rights ? rights.allowed(topics) : topics;
      if (allowed instanceof Promise) allowed.then(decide, goWholeWay);
      else decide(allowed);
    } catch {
      // The rule throws again on the whole way, where the application answers it.
      goWholeWay();
    }
  }

  /** What holds for a request, if it may take the lane. */
  #grantOf(request: IncomingMessage): Grant | undefined {
    const { clock, feed, settings } = this.#runtime;
    const grant = (request.socket as LaneSocket)[this.#onSocket];
    if (!grant?.isConfirmed || request.method !== 'GET' || request.httpVersion !== '1.1') return undefined;
    const { granted, atMs, revocations } = grant.arrival;
    if (revocations !== feed.revocations || !equal(grant.form.requestHeaders, request.rawHeaders)) return undefined;
    const lastsMs = Math.min(settings.directLane.grantMs, granted.expiresInMs);
    return clock.monotonic() < atMs + lastsMs ? grant : undefined;
  }

  #isLoop({ form, arrival }: Grant, asked: ReadRequest, { socket }: IncomingMessage): boolean {
    return asksInLoop(this.#runtime.tightLoops, { headers: form.headers, socket }, asked, arrival.granted.subscriber);
  }

  /**
   * What is asked, if it is what the grant is for at another cursor. The headers are those of the grant; to have them taken apart again would
   * keep a copy of them for every poll.
   */
  #understood({ form }: Grant, { method = '', url = '' }: IncomingMessage): ReadRequest | undefined {
    const { urlStart, urlEnd, headers } = form;
    if (!url.startsWith(urlStart) || !url.endsWith(urlEnd)) return undefined;
    try {
      const asked = this.#runtime.requests.parse({ method, headers, url });
      const between = url.slice(urlStart.length, url.length - urlEnd.length);
      // Nothing but a cursor: other topics could stand in its place.
      return asked.cursor === between ? asked : undefined;
    } catch {
      return undefined;
    }
  }

  /** False if the request is refused: that is answered on the whole way, in the application's own words. */
  #hold(response: ServerResponse, { form, arrival }: Grant, asked: ReadRequest): boolean {
    const { feed, clock } = this.#runtime;
    const { granted, atMs } = arrival;
    if (response.destroyed) return true;
    for (const [name, value] of form.responseHeaders) response.setHeader(name, value);
    try {
      const request = pollOf({ ...granted, asked, expiresInMs: atMs + granted.expiresInMs - clock.monotonic() });
      hold(feed, response, { request, writer: new PollWriter(response, this.#runtime, asked.cursor) });
      return true;
    } catch {
      for (const name of response.getHeaderNames()) response.removeHeader(name);
      return false;
    }
  }
}

/** Undefined where a cursor does not stand in the URL as it is. */
function formOf(raw: ServerResponse, { cursor }: ReadRequest): Form | undefined {
  const { req: request } = raw;
  const { rawHeaders: requestHeaders, headers } = request;
  const url = originalUrl(request);
  const at = cursor === undefined ? -1 : url.indexOf(`cursor=${cursor}`);
  if (cursor === undefined || at < 0) return undefined;
  const urlStart = url.slice(0, at + 'cursor='.length);
  const urlEnd = url.slice(urlStart.length + cursor.length);
  return { urlStart, urlEnd, requestHeaders, headers, responseHeaders: applicationHeaders(raw) };
}

function originalUrl(request: IncomingMessage & { originalUrl?: string }): string {
  return request.originalUrl ?? request.url ?? '';
}

function applicationHeaders(raw: ServerResponse): Form['responseHeaders'] {
  // Every outgoing message has it, although it is documented for requests alone.
  const names = (raw as ServerResponse & Pick<ClientRequest, 'getRawHeaderNames'>).getRawHeaderNames();
  return names
    .filter((name) => !OWN_HEADERS.includes(name.toLowerCase()))
    .map((name) => [name, raw.getHeader(name) ?? ''] as const);
}

function isEqual(one: Form, other: Form): boolean {
  return (
    one.urlStart === other.urlStart &&
    one.urlEnd === other.urlEnd &&
    equal(one.requestHeaders, other.requestHeaders) &&
    equal(one.responseHeaders.flat(2).map(String), other.responseHeaders.flat(2).map(String))
  );
}

function equal(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((text, index) => text === other[index]);
}
