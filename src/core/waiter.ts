import type { Unsubscribable } from 'rxjs';
import type { Clock, Timer } from './clock.js';
import { NotificationsError } from './errors.js';
import type { FeedRequest } from './feed.js';
import { type Ending, type LogPage, type LogPosition, positionIn, sharedPosition } from './page.js';
import { emitLast, type PageConsumer, type Turns } from './page-consumer.js';
import type { Reader } from './reader.js';
import type { Rights } from './rights.js';
import { NO_NEWS, type Wakeable } from './waiters.js';

const BEHIND = 'This node has not read the newest part of the log yet; retry.';

/** The part of the feed that a waiter uses. */
export interface WaiterHost {
  readonly clock: Clock;
  readonly reader: Reader;
  draining(): boolean;
  /** Whether the request's subscriber was revoked while its access was checked. */
  isRevoked(request: FeedRequest): boolean;
  /** Over how long those who are sent away are to be spread when they come back. */
  spreadMs(): number;
  /** From now on the waiter is woken when one of its topics has news. */
  arm(waiter: Waiter): void;
  /** Whether anybody is about to be woken. */
  isBusy(): boolean;
  /** Wakes the waiter behind all others for news that is there already. */
  queue(waiter: Waiter, firstNews: number): void;
  /** Whether the waiter is about to be woken. */
  hasNews(waiter: Waiter): boolean;
  /** Removes the waiter from the indexes. */
  disarm(waiter: Waiter): void;
  /** From now on the waiter no longer counts towards the limits. */
  releaseSlot(waiter: Waiter): void;
}

/** `reading`: a read is under way, or what it found is being checked. `waiting`: nothing to say. `delivering`: the consumer has not taken the last page. */
type State = 'reading' | 'waiting' | 'delivering' | 'ended';

/** A position to read from. */
type Start = LogPosition | 'earliest';

/** One held poll or one open stream: arm, then turns of read and wait. `unsubscribe` releases all that it holds. */
export class Waiter implements Wakeable, Unsubscribable {
  places: readonly number[] = [];
  firstNews = NO_NEWS;
  readonly #host: WaiterHost;
  readonly #request: FeedRequest;
  readonly #consumer: PageConsumer;
  readonly #turns: Turns;
  /** Up to here the waiter has looked for notifications. */
  #after: Start;
  /** Up to here the client has received them: the meaning of its cursor. */
  #cursor: Start;
  #state: State = 'reading';
  #turnEndsAtMs = 0;
  /** Kept running while pages are delivered, so that a busy stream does not create a timer for each page. */
  #turnTimer: Timer;
  #lifetimeTimer: Timer;

  constructor(host: WaiterHost, request: FeedRequest, consumer: PageConsumer, turns: Turns) {
    const { epoch, head } = host.reader.window;
    this.#host = host;
    this.#request = request;
    this.#consumer = consumer;
    this.#turns = turns;
    this.#after = request.after === 'latest' ? { epochId: epoch.id, position: head } : request.after;
    this.#cursor = this.#after;
  }

  get topics(): readonly string[] {
    return this.#request.topics;
  }

  get subscriber(): string | undefined {
    return this.#request.subscriber;
  }

  get address(): string | undefined {
    return this.#request.address;
  }

  start(): void {
    const { lifetimeMs } = this.#request;
    if (lifetimeMs !== undefined) {
      this.#lifetimeTimer = this.#host.clock.setTimeout(() => {
        this.#lifetimeTimer = undefined;
        this.#end('lifetime');
      }, lifetimeMs);
    }
    this.#host.arm(this);
    // From here on `revoke` reaches the waiter. An earlier revocation could not, so it is looked up.
    if (this.#host.isRevoked(this.#request)) this.#end('rights');
    else this.#turn();
  }

  /**
   * News of a topic, or a shutdown. News need not be told to a waiter that is busy: it reads again before it waits. One
   * that waits has missed nothing up to the first news, however much others got meanwhile, and reads from there: its old
   * place may have left the window, and the store, long ago.
   */
  wake(firstNews: number): void {
    if (this.#host.draining()) this.#end('draining');
    else if (this.#state === 'waiting') this.#readAgain(firstNews - 1);
  }

  /**
   * Takes topics away, all if none are named. Who has asked for one of them is ended where it stands, so that its client asks anew and is
   * told what holds now: to go on without them would be to leave them out silently, should they be given back.
   */
  revoke(topics?: readonly string[]): void {
    if (!topics || this.topics.some((topic) => topics.includes(topic))) this.#end('rights');
  }

  /** A revocation may have been missed. Who has rights is asked for them at delivery; who has none must come again. */
  revocationMissed(): void {
    if (!this.#request.rights) this.#end('rights');
  }

  unsubscribe(): void {
    if (this.#state === 'ended') return;
    this.#leave();
    this.#host.releaseSlot(this);
  }

  /** Ends the waiter; its slot stays taken. */
  #leave(): void {
    if (this.#turnTimer !== undefined) this.#host.clock.clearTimeout(this.#turnTimer);
    if (this.#lifetimeTimer !== undefined) this.#host.clock.clearTimeout(this.#lifetimeTimer);
    this.#host.disarm(this);
    this.#state = 'ended';
  }

  /** One turn. The waiter is armed already, so whatever arrives from now on wakes it: read, and if nothing is there, wait. */
  #turn(): void {
    this.#turnEndsAtMs = this.#host.clock.monotonic() + this.#request.waitMs;
    const firstNews = this.#host.isBusy() ? this.#firstNews() : undefined;
    if (firstNews === undefined) this.#read();
    else {
      // Who comes for what is there already does not go before those who are about to be told.
      this.#state = 'waiting';
      this.#host.queue(this, firstNews);
    }
  }

  /** Where the news begins that there is already, if this node has it at hand. */
  #firstNews(): number | undefined {
    const after = this.#translated();
    return after === 'earliest' ? undefined : this.#host.reader.firstNews(this.topics, after);
  }

  #read(): void {
    const { reader } = this.#host;
    const { topics, limit } = this.#request;
    const bytesMax = this.#request.bytesMax?.();
    const after = this.#translated();
    this.#state = 'reading';
    if (after !== 'earliest' && reader.reaches(after)) {
      this.#onPage(reader.fromWindow({ topics, after, limit, bytesMax }));
      return;
    }
    const { epoch } = reader.window;
    reader
      .fromStore({ topics, after, limit, bytesMax }, () => this.#isOpen())
      .then(
        (found) => {
          if (this.#state === 'ended') return;
          if (after !== 'earliest' && after.unknownIn !== undefined && after.unknownIn !== found.epoch.id) {
            // The cursor may belong to the epoch that this node did not know when it opened the cursor.
            this.#fail(new NotificationsError('draining', BEHIND, { spreadMs: this.#host.spreadMs() }));
            return;
          }
          const page = this.#followed(found);
          if (!page) return;
          const news = page.entries.length > 0 || page.gap;
          if (!news && reader.movedOn(page, epoch)) this.#readFrom(page);
          else this.#onPage(page);
        },
        (error: unknown) => {
          this.#fail(error);
        },
      );
  }

  /**
   * The part of a page that this node may deliver. The store may be ahead of this node, which then does not know the latest
   * revocations. A subscriber gets the notifications up to the node's head; the tail wakes the waiter for the others. If the
   * store has another epoch, rules decide where there are any; otherwise the request is rejected.
   */
  #followed(page: LogPage): LogPage | undefined {
    const { rights, subscriber } = this.#request;
    const { epoch, head } = this.#host.reader.window;
    if (subscriber === undefined || page.entries.length === 0) return page;
    if (page.epoch.id !== epoch.id) {
      if (rights) return page;
      this.#fail(new NotificationsError('draining', BEHIND));
      return undefined;
    }
    const entries = page.entries.filter(({ position }) => position <= head);
    const next = page.entries[entries.length];
    if (!next) return page;
    const { gap } = page;
    return { epoch: page.epoch, entries, position: next.position - 1, more: false, ...(gap && { gap }) };
  }

  #onPage(page: LogPage): void {
    const { rights } = this.#request;
    if (page.entries.length > 0 && rights) {
      this.#confirm(page, rights);
      return;
    }
    const hasNews = page.entries.length > 0 || page.gap !== undefined;
    const leftMs = hasNews ? 0 : this.#turnEndsAtMs - this.#host.clock.monotonic();
    if (leftMs <= 0) {
      this.#emit(page);
    } else {
      this.#after = { epochId: page.epoch.id, position: page.position };
      this.#wait(leftMs);
    }
  }

  /** Rights may have gone since the waiter came, so they are asked again for the topics on the page. */
  #confirm(page: LogPage, rights: Rights): void {
    const asked = [...new Set(page.entries.map(({ topic }) => topic))];
    const answer = (allowed: readonly string[]): void => {
      if (this.#state === 'ended') return;
      if (asked.every((topic) => allowed.includes(topic))) this.#emit(page);
      else this.#end('rights');
    };
    try {
      const allowed = rights.allowed(asked);
      if (!(allowed instanceof Promise)) answer(allowed);
      else {
        allowed.then(answer, (error: unknown) => {
          this.#fail(error);
        });
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The race: an arrival wakes, the clock runs out; either one reads again, and only the clock may answer with nothing. */
  #wait(leftMs: number): void {
    this.#state = 'waiting';
    this.#turnTimer ??= this.#host.clock.setTimeout(() => {
      this.#turnTimer = undefined;
      this.#onTime();
    }, leftMs);
  }

  /** Whoever is about to be woken is answered then; who is busy looks at the clock itself. */
  #onTime(): void {
    if (this.#state !== 'waiting' || this.#host.hasNews(this)) return;
    const leftMs = this.#turnEndsAtMs - this.#host.clock.monotonic();
    if (leftMs > 0) this.#wait(leftMs);
    else this.#readAgain(this.#host.reader.window.head);
  }

  /** Reads on from a position up to which nothing was missed while waiting. */
  #readAgain(position: number): void {
    const { epoch } = this.#host.reader.window;
    const after = this.#translated();
    if (after !== 'earliest' && after.epochId === epoch.id && after.position < position) {
      this.#after = { ...after, position };
    }
    this.#read();
  }

  /**
   * The waiter's position in the epoch of the window, which changes at a failover. Between the client's cursor and the
   * waiter's position nothing exists for its topics, so the waiter resumes where both logs still agree, unless the cursor
   * itself lies beyond.
   */
  #translated(): Start {
    const { epoch } = this.#host.reader.window;
    const after = this.#after;
    if (after === 'earliest' || after.epochId === epoch.id) return after;
    const shared = sharedPosition(epoch, after);
    const cursor = this.#cursor === 'earliest' ? this.#cursor : positionIn(epoch, this.#cursor);
    if (shared && cursor) {
      this.#cursor = cursor;
      this.#after = shared;
    }
    return this.#after;
  }

  #readFrom(page: LogPage): void {
    this.#after = { epochId: page.epoch.id, position: page.position };
    this.#read();
  }

  #emit(page: LogPage): void {
    this.#after = this.#cursor = { epochId: page.epoch.id, position: page.position };
    this.#state = 'delivering';
    if (this.#turns === 'one' || page.ending) this.#emitLast(page);
    else {
      this.#consumer.next(page);
      if (this.#isOpen()) this.#nextTurn(this.#consumer.drained?.(page), page.more);
    }
  }

  /** The waiter leaves the indexes before its last page is emitted, so a consumer that reacts to the page finds nothing of it. */
  #emitLast(page: LogPage): void {
    if (!this.#consumer.drained) this.unsubscribe();
    else this.#leave();
    emitLast(this.#consumer, page, () => {
      this.#host.releaseSlot(this);
    });
  }

  #isOpen(): boolean {
    return this.#state !== 'ended';
  }

  /** The next turn starts when the page is taken; a replay, or a stream that does not wait, leaves others theirs. */
  #nextTurn(taken: Promise<void> | undefined, more: boolean): void {
    if (!taken && !more && this.#request.waitMs > 0) {
      this.#turn();
      return;
    }
    const turn = (): void => {
      if (this.#state === 'delivering') this.#turn();
    };
    if (!taken) this.#host.clock.setImmediate(turn);
    else {
      taken.then(turn, (error: unknown) => {
        this.#fail(error);
      });
    }
  }

  /** Ends the waiter at its current position. Before its first read it may have no position in this log; then it is rejected. */
  #end(ending: Ending): void {
    const { epoch } = this.#host.reader.window;
    const after = this.#translated();
    if (this.#state === 'ended') return;
    if (after === 'earliest' || after.epochId !== epoch.id || after.afterLoss) {
      const message = 'The request ended before its first read; retry.';
      this.#fail(new NotificationsError('draining', message, { spreadMs: this.#host.spreadMs() }));
    } else {
      this.#emit({ epoch, entries: [], position: after.position, more: false, ending });
    }
  }

  #fail(error: unknown): void {
    if (this.#state === 'ended') return;
    this.unsubscribe();
    this.#consumer.error(error);
  }
}
