import type { Unsubscribable } from 'rxjs';
import { NotificationsError } from '../../src/core/errors.js';
import { Feed, type FeedLimits } from '../../src/core/feed.js';
import type { FeedHistoryRequest, FeedRequest } from '../../src/core/feed-request.js';
import { PageConsumer } from '../../src/core/page-consumer.js';
import { race } from '../../src/core/race.js';
import { isEmpty, type LogPage, type LogPosition } from '../../src/core/page.js';
import type { Rights } from '../../src/core/rights.js';
import { Cursors } from '../../src/wire/cursor.js';
import { PageEncoder } from '../../src/wire/encoder.js';
import { cursorBlock, openingBlock } from '../../src/wire/sse.js';
import type { ProcessClock } from './process-clock.js';
import type { NodeStore } from './driver.js';

/** Everything is so small that every bound is reached. */
const LIMITS: FeedLimits = {
  waitersMax: 4,
  waitersPerSubscriberMax: 2,
  waitersPerAddressMax: 2,
  pageBytesMax: 700,
  windowCount: 7,
  windowBytes: 1500,
};

const RETRY_OPENING_MS = 100;

export interface ClientRequest {
  readonly kind: 'poll' | 'stream';
  readonly cursor: string;
  readonly topics: readonly string[];
  readonly limit: number;
  readonly waitMs: number;
  readonly lifetimeMs: number;
  readonly subscriber: string;
  readonly address: string;
  /**
   * Access rules that are checked before each delivery, or a ticket with the log's position when it
   * was issued.
   */
  readonly rights: Rights | { readonly ticket: string };
}

/** A read of the history, from a cursor or from `latest`. */
export interface HistoryAsking extends Pick<FeedHistoryRequest, 'topics' | 'limit' | 'subscriber' | 'rights'> {
  readonly before: string;
}

export type Reply =
  | { readonly kind: 'page'; readonly text: string; readonly isEnding: boolean }
  | { readonly kind: 'blocks'; readonly text: string; readonly isOpening: boolean }
  | { readonly kind: 'end' }
  | { readonly kind: 'refused'; readonly code: string };

/** The client's end of a request. */
export interface Caller {
  reply(reply: Reply): void;
  /** Resolves when the client has read all replies; undefined if it has already read them. */
  drained(): Promise<void> | undefined;
}

/** One process: a feed with its store, and a model of the module's request handling. */
export class Process {
  readonly #cursors = new Cursors();
  readonly #encoder = new PageEncoder(this.#cursors);
  readonly #topics = new Map<string, readonly string[]>();
  #feed: Feed | undefined;
  #starting: Promise<void> | undefined;
  #isStopping = false;

  /** @param delivered called with each page that the node delivers */
  constructor(
    readonly clock: ProcessClock,
    readonly store: NodeStore,
    private readonly delivered: (page: LogPage, feed: Feed) => void,
  ) {}

  get feed(): Feed | undefined {
    return this.#feed;
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Opens the feed, and retries until this succeeds. */
  start(): Promise<void> {
    this.#starting = this.#start();
    return this.#starting;
  }

  async #start(): Promise<void> {
    while (!this.#feed && !this.#isStopping) {
      try {
        this.#feed = await Feed.open({ store: this.store, clock: this.clock, limits: LIMITS, patterns: ['*'] });
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        await this.clock.pass(RETRY_OPENING_MS);
      }
    }
  }

  /** Closes all requests; resolves with the resources that are left. */
  async stop(): Promise<string[]> {
    this.#isStopping = true;
    await this.#starting;
    const feed = this.#feed;
    await feed?.close();
    await this.store.close();
    const left = Object.entries(feed?.counts() ?? {}).filter(([, count]) => count > 0);
    const timers = this.clock.pendingTimers;
    return [...left.map(([name, count]) => `${count} ${name}`), ...(timers > 0 ? [`${timers} timers`] : [])];
  }

  kill(): void {
    this.clock.kill();
    this.store.abandon();
  }

  /** A ticket with the log's present position. */
  ticket(): string {
    const { epoch, head } = this.#feed!.window;
    return this.#cursors.seal(epoch, head);
  }

  /** Reads a page of the history. Resolves with its text, or with the code of the error. */
  history({ before, ...read }: HistoryAsking): { readonly answer: Promise<string>; readonly end: () => void } {
    const place = before === 'latest' ? before : this.#cursors.open(before, this.#feed!.window.epoch)!;
    let held: Unsubscribable | undefined;
    const answer = new Promise<string>((resolve) => {
      held = this.#feed!.history({ ...read, before: place }).subscribe({
        next: (page) => {
          this.delivered(page, this.#feed!);
          resolve(String(this.#encoder.body(page).content));
        },
        error: (error: unknown) => {
          resolve(error instanceof NotificationsError ? error.code : String(error));
        },
      });
    });
    return { answer, end: () => held?.unsubscribe() };
  }

  /** Serves a request. Returns the function that ends it when the client disconnects. */
  serve(request: ClientRequest, caller: Caller): () => void {
    let held: Unsubscribable | undefined;
    let isGone = false;
    const hold = (rights: Rights | undefined, revocations?: number): void => {
      if (isGone) return;
      try {
        held = this.#hold(request, { rights, revocations }, caller);
      } catch (error) {
        caller.reply(refusalOf(error));
      }
    };
    if ('ticket' in request.rights) {
      const { revocations } = this.#feed!;
      this.#checkTicket(request, request.rights.ticket).then(
        () => {
          hold(undefined, revocations);
        },
        (error: unknown) => {
          caller.reply(refusalOf(error));
        },
      );
    } else hold(request.rights);
    return () => {
      isGone = true;
      held?.unsubscribe();
    };
  }

  async #checkTicket({ subscriber }: ClientRequest, ticket: string): Promise<void> {
    const feed = this.#feed!;
    // As in the module, a ticket of another log cannot be opened, because logs have different
    // secrets.
    const given = this.#cursors.open(ticket, feed.window.epoch);
    // A failover that lost entries may have lost the revocation of this ticket.
    if (!given?.epochId || given.afterLoss || (await feed.hasRevocationAfter(subscriber, given.position))) {
      throw new NotificationsError('ticket_invalid', 'the ticket has been revoked; ask for a new one');
    }
  }

  #hold(request: ClientRequest, grant: Pick<FeedRequest, 'rights' | 'revocations'>, caller: Caller): Unsubscribable {
    const feed = this.#feed!;
    const watch = (page: LogPage): void => {
      this.delivered(page, feed);
    };
    const { kind, cursor, topics, limit, waitMs, lifetimeMs, subscriber, address } = request;
    const after = this.#place(cursor);
    const asked: FeedRequest = { topics: this.#shared(topics), after, limit, waitMs, subscriber, address, ...grant };
    if (kind === 'poll') {
      const consumer = new PollConsumer(caller, this.#encoder, watch);
      return race(feed.arrivals(asked), feed.timeout(asked)).subscribe(consumer);
    }
    // A stream sends the cursor of its start first.
    const { epoch, head } = feed.window;
    const from = after === 'latest' ? { epochId: epoch.id, position: head } : after;
    const start =
      from === 'earliest' || from.epochId !== epoch.id || from.afterLoss
        ? undefined
        : this.#encoder.seal(epoch, from.position);
    caller.reply({ kind: 'blocks', text: openingBlock(1000, start), isOpening: true });
    return feed
      .follow({ ...asked, after: from, lifetimeMs })
      .subscribe(new StreamConsumer(caller, this.#encoder, watch));
  }

  /** Equal lists are the same object, as in the module's cache of parsed requests. */
  #shared(topics: readonly string[]): readonly string[] {
    const name = topics.join();
    const known = this.#topics.get(name);
    if (!known) this.#topics.set(name, topics);
    return known ?? topics;
  }

  #place(cursor: string): LogPosition | 'earliest' | 'latest' {
    if (cursor === 'earliest' || cursor === 'latest') return cursor;
    const place = this.#cursors.open(cursor, this.#feed!.window.epoch);
    if (!place) throw new NotificationsError('cursor_invalid', 'the cursor cannot be read');
    return place;
  }
}

abstract class Consumer extends PageConsumer {
  constructor(
    protected readonly caller: Caller,
    protected readonly encoder: PageEncoder,
    protected readonly watch: (page: LogPage) => void,
  ) {
    super();
  }

  error(reason: unknown): void {
    this.caller.reply(refusalOf(reason));
  }
}

class PollConsumer extends Consumer {
  next(page: LogPage): void {
    this.watch(page);
    const text = String(this.encoder.body(page).content);
    this.caller.reply({ kind: 'page', text, isEnding: page.ending !== undefined });
  }

  complete(): void {
    // The page was the answer.
  }
}

class StreamConsumer extends Consumer {
  #isEnding = false;

  next(page: LogPage): void {
    this.watch(page);
    const text = page.entries.length > 0 || page.gap ? this.encoder.sse(page) : cursorBlock(this.encoder.cursor(page));
    this.#isEnding = page.ending !== undefined;
    // An empty page with `more`: access refuses the notifications that were read so far.
    const isPlaceOnly = this.#isEnding || (page.more && isEmpty(page));
    this.caller.reply({ kind: 'blocks', text, isOpening: isPlaceOnly });
  }

  complete(): void {
    this.caller.reply({ kind: 'end' });
  }

  /** The HTTP side cuts a connection that does not take its last page. */
  override drained(): Promise<void> | undefined {
    return this.#isEnding ? undefined : this.caller.drained();
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof NotificationsError && error.code === 'store_unavailable';
}

function refusalOf(error: unknown): Reply {
  return { kind: 'refused', code: error instanceof NotificationsError ? error.code : String(error) };
}
