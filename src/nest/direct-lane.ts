import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { ApplicationConfig, HttpAdapterHost } from '@nestjs/core';
import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ReadRequest } from '../wire/request.js';
import { hold, isObserved } from './answer.js';
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

/** A poll that went the whole way on a connection. */
interface Grant extends Arrival {
  /** The URL, before and behind its cursor. */
  readonly urlStart: string;
  readonly urlEnd: string;
  readonly requestHeaders: readonly string[];
  /** The same, as they are read. */
  readonly headers: IncomingHttpHeaders;
  /** What the application has set. */
  readonly responseHeaders: readonly (readonly [name: string, value: number | string | string[]])[];
  /** One before it had the same outcome. */
  readonly isConfirmed: boolean;
}

type LaneSocket = Socket & Record<symbol, Grant | undefined>;

const CURSOR_IN_URL = /^([^?]*\?(?:[^&]*&)*cursor=)([A-Za-z0-9_-]{36})((?:&.*)?)$/;
const CURSOR_LENGTH = 36;
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
    const before = socket[this.#onSocket];
    socket[this.#onSocket] = undefined;
    const url = CURSOR_IN_URL.exec((arrival.granted.asked.cursor !== undefined && originalUrl(request)) || '');
    if (!url || request.method !== 'GET' || !isHttp1(raw) || WRAPPED.some((name) => Object.hasOwn(raw, name))) return;
    if (raw.hasHeader('set-cookie')) return;
    const [, urlStart = '', , urlEnd = ''] = url;
    const { rawHeaders: requestHeaders, headers } = request;
    const responseHeaders = applicationHeaders(raw);
    const sameRequest = before !== undefined && isLike(before, { urlStart, urlEnd, requestHeaders });
    const isConfirmed =
      sameRequest && equal(before.responseHeaders.flat(2).map(String), responseHeaders.flat(2).map(String));
    // What is equal is shared, so that a connection keeps little of its own.
    const kept = isConfirmed ? before : { urlStart, urlEnd, requestHeaders, headers, responseHeaders };
    const { granted, atMs, revocations } = arrival;
    socket[this.#onSocket] = {
      urlStart: kept.urlStart,
      urlEnd: kept.urlEnd,
      requestHeaders: kept.requestHeaders,
      headers: kept.headers,
      responseHeaders: kept.responseHeaders,
      granted,
      atMs,
      revocations,
      isConfirmed,
    };
  }

  #answer(request: IncomingMessage, response: ServerResponse, goWholeWay: () => void): void {
    const grant = this.#grantOf(request);
    const asked = grant && this.#understood(grant, request);
    if (!asked || this.#isLoop(grant, asked, request)) {
      goWholeWay();
      return;
    }
    const { rights, topics } = grant.granted;
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
    if (!isRepeated(grant, request) || grant.revocations !== feed.revocations) return undefined;
    const lastsMs = Math.min(settings.directLane.grantMs, grant.granted.expiresInMs);
    return clock.monotonic() < grant.atMs + lastsMs ? grant : undefined;
  }

  #isLoop({ headers, granted }: Grant, asked: ReadRequest, { socket }: IncomingMessage): boolean {
    return asksInLoop(this.#runtime.tightLoops, { headers, socket }, asked, granted.subscriber);
  }

  /** The headers are those of the grant; to have them taken apart again would keep a copy of them for every poll. */
  #understood({ headers }: Grant, { method = '', url = '' }: IncomingMessage): ReadRequest | undefined {
    try {
      return this.#runtime.requests.parse({ method, headers, url });
    } catch {
      return undefined;
    }
  }

  /** False if the request is refused: that is answered on the whole way, in the application's own words. */
  #hold(response: ServerResponse, grant: Grant, asked: ReadRequest): boolean {
    const { feed, clock } = this.#runtime;
    const { topics, subscriber, address, rights, expiresInMs } = grant.granted;
    const { after, limit, cursor } = asked;
    if (response.destroyed) return true;
    const waitMs = Math.min(asked.waitMs, grant.atMs + expiresInMs - clock.monotonic());
    for (const [name, value] of grant.responseHeaders) response.setHeader(name, value);
    try {
      const writer = new PollWriter(response, this.#runtime, cursor);
      hold(feed, response, { request: { topics, after, limit, waitMs, subscriber, address, rights }, writer });
      return true;
    } catch {
      for (const name of response.getHeaderNames()) response.removeHeader(name);
      return false;
    }
  }
}

function originalUrl(request: IncomingMessage & { originalUrl?: string }): string {
  return request.originalUrl ?? request.url ?? '';
}

function applicationHeaders(raw: ServerResponse): Grant['responseHeaders'] {
  // Every outgoing message has it, although it is documented for requests alone.
  const names = (raw as ServerResponse & Pick<ClientRequest, 'getRawHeaderNames'>).getRawHeaderNames();
  return names
    .filter((name) => !OWN_HEADERS.includes(name.toLowerCase()))
    .map((name) => [name, raw.getHeader(name) ?? ''] as const);
}

/** Whether a request is the one of the grant, but for the cursor. */
function isRepeated({ urlStart, urlEnd, requestHeaders }: Grant, { url = '', rawHeaders }: IncomingMessage): boolean {
  return (
    url.length === urlStart.length + CURSOR_LENGTH + urlEnd.length &&
    url.startsWith(urlStart) &&
    url.endsWith(urlEnd) &&
    equal(requestHeaders, rawHeaders)
  );
}

function isLike(one: Grant, other: Pick<Grant, 'urlStart' | 'urlEnd' | 'requestHeaders'>): boolean {
  return (
    one.urlStart === other.urlStart && one.urlEnd === other.urlEnd && equal(one.requestHeaders, other.requestHeaders)
  );
}

function equal(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((text, index) => text === other[index]);
}
