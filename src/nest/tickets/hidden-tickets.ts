import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { IncomingMessage, Server } from 'node:http';
import { redactTicket, ticketsOf } from '../../wire/ticket.js';
import { openOwnTicket } from './opened-ticket.js';
import type { FrameworkRequest } from '../http/raw-response.js';
import type { ReadContext } from '../context.js';
import { CONTEXT } from '../module/tokens.js';

/** The ticket that was removed from a request's URL. */
const HIDDEN = Symbol('ticket');

type HidingRequest = IncomingMessage & { [HIDDEN]?: string | undefined };

/**
 * Removes tickets from URLs when requests arrive, before frameworks and loggers read them. Code of
 * the application then finds no ticket in `url`, `originalUrl` or `query`.
 *
 * Requests of other routes do not change: a value is a ticket only if this feed's keys can open it.
 */
@Injectable()
export class HiddenTickets implements OnApplicationBootstrap {
  readonly #context: ReadContext;
  readonly #adapterHost: HttpAdapterHost;

  constructor(@Inject(CONTEXT) context: ReadContext, @Inject(HttpAdapterHost) adapterHost: HttpAdapterHost) {
    this.#context = context;
    this.#adapterHost = adapterHost;
  }

  onApplicationBootstrap(): void {
    if (!this.#context.claim) return;
    // `server` is undefined if other code calls the application's handler. Then the guard redacts
    // the URL.
    const server = this.#adapterHost.httpAdapter.getHttpServer() as Server | undefined;
    server?.prependListener('request', (request: IncomingMessage) => {
      this.#hide(request);
    });
  }

  #hide(request: HidingRequest): void {
    const tickets = ticketsOf(request.url ?? '');
    if (!tickets.some((ticket) => openOwnTicket(this.#context, ticket))) return;
    [request[HIDDEN]] = tickets;
    redactRequest(request);
  }
}

/** The ticket of a request. It is read from the URL if no server has removed it. */
export function ticketOf(request: FrameworkRequest): string | undefined {
  return (rawRequest(request) as HidingRequest)[HIDDEN] ?? ticketsOf(request.originalUrl)[0];
}

/** Replaces the ticket in a request, so that later log lines contain no ticket. */
export function redactRequest(request: object): void {
  for (const holder of new Set([request, rawRequest(request)]) as Set<Record<string, unknown>>) {
    for (const name of ['url', 'originalUrl']) {
      const url = holder[name];
      if (typeof url === 'string' && isWritable(holder, name)) holder[name] = redactTicket(url);
    }
    // In HTTP/2 the URL is a header, too.
    const { headers } = holder as { headers?: Record<string, unknown> };
    const path = headers?.[':path'];
    if (headers && typeof path === 'string') headers[':path'] = redactTicket(path);
    const { rawHeaders } = holder as { rawHeaders?: string[] };
    if (rawHeaders && typeof path === 'string') rawHeaders[rawHeaders.indexOf(':path') + 1] = redactTicket(path);
  }
}

/**
 * Fastify reads `url` and `originalUrl` from the request of node:http, and has no setters for them.
 */
function isWritable(holder: object, name: string): boolean {
  for (let owner: object | null = holder; owner; owner = Object.getPrototypeOf(owner) as object | null) {
    const property = Object.getOwnPropertyDescriptor(owner, name);
    if (property) return property.writable === true || property.set !== undefined;
  }
  return false;
}

/**
 * The request of node:http. Fastify's request wraps it. In other frameworks it is the request
 * itself.
 */
function rawRequest(request: object): object {
  return (request as { readonly raw?: object }).raw ?? request;
}
