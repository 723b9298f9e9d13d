import { Controller, Get, Inject, Post, Req, Res } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { jittered } from '../../core/backoff.js';
import type { FeedRequest, Start } from '../../core/feed-request.js';
import type { HistoryPageQuery } from '../../core/history-page.js';
import type { HistoryReads } from '../../core/history-reads.js';
import type { LogPage } from '../../core/page.js';
import { race } from '../../core/race.js';
import type { Page } from '../../wire/encoder.js';
import type { ReadContext } from '../../nest/context.js';
import { grantedOne, requestOn, withErrorHeaders } from '../../nest/http/error-headers.js';
import {
  connectionOf,
  type FrameworkRequest,
  type FrameworkResponse,
  onClose,
  rawOf,
  takeOver,
  writeHeadOnly,
  writeText,
  writeValue,
} from '../../nest/http/raw-response.js';
import { startOf } from '../../nest/feed-request.js';
import { ANSWERED } from '../../nest/http/responder.js';
import { NotificationsRoute } from '../../nest/http/route.decorator.js';
import { type Inbox, readerOf, type InboxResult } from './inbox.js';
import { grantedInboxRead, type GrantedInboxRead, grantedOperation } from './inbox-grant.js';
import type { InboxPage } from './inbox-lists.js';
import { InboxJsonResponse, InboxSseResponse, type LiveInbox } from './inbox-responses.js';
import { INBOX } from './inbox-token.js';

const CLIENT_LEFT = 'The client has left.';

/**
 * The HTTP routes of an inbox: `GET /inbox` as a page, as a long poll and as an event stream, and
 * `POST /inbox` for operations. Before a handler runs, the guard has found the subscriber.
 */
@Controller()
export class InboxController {
  readonly #inbox: Inbox;
  readonly #context: ReadContext;

  constructor(@Inject(INBOX) inbox: Inbox) {
    this.#inbox = inbox;
    this.#context = inbox.context;
  }

  @Get()
  @NotificationsRoute('read')
  read(
    @Req() request: FrameworkRequest,
    @Res({ passthrough: true }) response: FrameworkResponse,
  ): Observable<Page | undefined> | Promise<InboxPage | undefined> {
    const granted = grantedInboxRead(request);
    const { mode } = granted;
    if (request.method === 'HEAD') {
      writeHeadOnly(takeOver(response), granted.read.asked.transport);
      return ANSWERED;
    }
    if (mode === 'page') return this.#page(granted, response);
    return mode === 'stream' ? this.#stream(granted, response) : this.#poll(granted, response);
  }

  @Post()
  @NotificationsRoute('publish')
  async operate(
    @Req() request: FrameworkRequest,
    @Res({ passthrough: true }) response: FrameworkResponse,
  ): Promise<InboxResult> {
    const { subscriber, request: operation, caller } = grantedOperation(request);
    try {
      const result = await this.#inbox.apply(subscriber, operation, caller);
      writeValue(takeOver(response), result, 200);
      return result;
    } catch (error) {
      throw withErrorHeaders(error, response, requestOn('publish', request, this.#context));
    }
  }

  /**
   * Answers a page. The request has one slot until the client has read the answer. If the client
   * leaves, the reads end, and the result is undefined.
   */
  async #page(granted: GrantedInboxRead, response: FrameworkResponse): Promise<InboxPage | undefined> {
    const { subscriber, list, read, topics } = granted;
    const { address, revocations, asked } = read;
    const raw = rawOf(response);
    const connection = connectionOf(raw);
    let reads: HistoryReads | undefined;
    try {
      if (connection.destroyed) throw new Error(CLIENT_LEFT);
      const checked = { ...this.#inbox.checkList(list), before: asked.before ?? 'latest' };
      const opened = this.#inbox.readsOf(subscriber, topics, { address, revocations });
      reads = opened;
      onClose(raw, () => opened.close());
      const { page, shown } = await this.#inbox.list({ ...checked, reader: readerOf(topics, opened) }, topics);
      const text = JSON.stringify(page);
      opened.deliver(shown, () => {
        writeText(takeOver(response), text, 200);
        return this.#context.unread.untilFinished(raw, text, read);
      });
      return page;
    } catch (error) {
      if (!connection.destroyed) throw withErrorHeaders(error, response, grantedOne(read, this.#context));
      takeOver(response);
      return undefined;
    } finally {
      reads?.close();
    }
  }

  #poll(granted: GrantedInboxRead, response: FrameworkResponse): Observable<Page | undefined> {
    const { read } = granted;
    const waitMs = Math.min(read.asked.waitMs, read.expiresInMs);
    const { feed, unread, responder } = this.#context;
    const request = { ...requestOf(granted, read.asked.after, waitMs), bytesMax: unread.pollBytes };
    const page$ = race(feed.arrivals(request), feed.timeout(request));
    const options = { read, context: this.#context };
    const live = this.#live(granted, startOf(feed, read.asked.after), response);
    return responder.respond(page$, new InboxJsonResponse(response, options, live));
  }

  #stream(granted: GrantedInboxRead, response: FrameworkResponse): Observable<Page | undefined> {
    const { read } = granted;
    const { feed, unread, responder, settings } = this.#context;
    const start = startOf(feed, read.asked.after);
    const page$ = feed.follow({
      ...requestOf(granted, start, settings.stream.heartbeatMs),
      bytesMax: unread.streamBytes,
      lifetimeMs: Math.min(jittered(settings.stream.lifetimeMs), read.expiresInMs),
    });
    const options = { read, context: this.#context, start };
    const live = this.#live(granted, start, response);
    return responder.respond(page$, new InboxSseResponse(response, options, live));
  }

  #live({ topics }: GrantedInboxRead, start: Start, response: FrameworkResponse): LiveInbox {
    const { feed } = this.#context;
    const connection = connectionOf(rawOf(response));
    // The request already holds a slot as a waiter, so the reads for its events take none.
    const read = (query: HistoryPageQuery): Promise<LogPage> =>
      connection.destroyed ? Promise.reject(new Error(CLIENT_LEFT)) : feed.read(query);
    const live = { reader: readerOf(topics, { read }), records: topics.records };
    return { events: this.#inbox.events, live, start };
  }
}

function requestOf({ read }: GrantedInboxRead, after: FeedRequest['after'], waitMs: number): FeedRequest {
  const { asked, topics, subscriber, address, rights, revocations } = read;
  return { topics, after, limit: asked.limit, waitMs, subscriber, address, rights, revocations };
}
