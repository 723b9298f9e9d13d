import type { Unsubscribable } from 'rxjs';
import type { Timer } from './clock.js';
import { deliverablePage } from './deliverable-page.js';
import type { FeedRequest, Start } from './feed-request.js';
import type { ObservedRead, ReadKind } from './observer.js';
import { type Ending, isEmpty, type LogPage } from './page.js';
import type { PageConsumer } from './page-consumer.js';
import { ReadPosition } from './read-position.js';
import { readsAny } from './patterns.js';
import { checkPage, type Rights } from './rights.js';
import { isSkippedPage, SKIPPED_PAUSE_MS, SkippedPages } from './skipped-pages.js';
import { BEHIND, type Turns, type WaiterContext, type WaiterState } from './waiter-context.js';
import { type FeedWaiter, NOT_QUEUED } from './waiters.js';

const NOT_READ = 'The request ended before its first read; retry.';

/**
 * One held poll or one open stream. It is armed (registered in the indexes). Then it takes turns:
 * read, and wait if there is nothing new.
 *
 * No wake-up is lost. The waiter is armed before its first read. A read from the window and the
 * step to `waiting` happen in one synchronous run. A read from the store may miss entries that are
 * appended meanwhile. If the window's head is beyond the page's position, the waiter reads again.
 *
 * The consumer is a `JsonResponse`, an `SseResponse`, a poll of the direct lane, or an observer of
 * RxJS. `unsubscribe` releases everything that the waiter holds.
 */
export class Waiter implements FeedWaiter, ObservedRead, Unsubscribable {
  indexes: readonly number[] = [];
  firstNew = NOT_QUEUED;
  readonly request: FeedRequest;
  readonly kind: ReadKind;
  readonly startedAt: number;
  readonly #context: WaiterContext;
  readonly #turns: Turns;
  readonly #consumer: PageConsumer;
  readonly #position: ReadPosition;
  #state: WaiterState = 'reading';
  #turnEndsAtMs = 0;
  readonly #skippedPages = new SkippedPages();
  /** The timer keeps running during deliveries, so a busy stream needs no timer per page. */
  #turnTimer: Timer;
  #lifetimeTimer: Timer;
  #pauseTimer: Timer;

  constructor(context: WaiterContext, request: FeedRequest, turns: Turns, consumer: PageConsumer) {
    const { reader } = context;
    const { epoch, head } = reader.window;
    this.request = request;
    this.kind = turns.count === 'one' ? 'poll' : 'stream';
    this.startedAt = head;
    this.#context = context;
    this.#turns = turns;
    this.#consumer = consumer;
    const { after } = request;
    this.#position = new ReadPosition(after === 'latest' ? { epochId: epoch.id, position: head } : after, reader);
  }

  /** Arms the waiter and begins its first turn. The consumer receives the error of a rejection. */
  start(): void {
    const { clock, waiters, revocations, observer } = this.#context;
    const rejection = waiters.rejection(this.request);
    if (rejection) {
      this.#state = 'ended';
      observer.rejected(rejection, this);
      this.#consumer.error(rejection);
      return;
    }
    const { lifetimeMs } = this.request;
    if (lifetimeMs !== undefined) {
      this.#lifetimeTimer = clock.setTimeout(() => {
        this.#lifetimeTimer = undefined;
        this.#end('lifetime');
      }, lifetimeMs);
    }
    waiters.arm(this);
    observer.armed(this);
    // From now on `revoke` reaches the waiter. An earlier revocation did not reach the waiter, so
    // look the revocation up.
    if (revocations.affects(this.request)) this.#end('rights');
    else this.#turn();
  }

  /**
   * Called when a topic has new notifications, or at shutdown. A shutdown ends the waiter. A busy
   * waiter ignores new notifications, because it reads again before it waits. A waiting waiter
   * reads from `firstNew`: nothing for it exists before that position, and its own position may
   * already be trimmed.
   */
  wake(firstNew: number): void {
    if (this.#context.waiters.isDraining) this.#end('draining');
    else if (this.#state === 'waiting') this.#readAgain(firstNew - 1);
  }

  /**
   * Ends the waiter if its subscriber loses one of its topics. Without `topics` it always ends. The
   * client reconnects, and its access is checked then. A stream that continued without the topic
   * would silently skip its notifications if the subscriber regains access.
   */
  revoke(topics?: readonly string[]): void {
    if (!topics || readsAny(this.request.topics, topics)) this.#end('rights');
  }

  /** With access rules, the next delivery detects the revocation. Without rules the waiter ends. */
  revocationMissed(): void {
    if (!this.request.rights) this.#end('rights');
  }

  unsubscribe(): void {
    if (this.#state === 'ended') return;
    this.#leave();
    this.#context.waiters.releaseSlot(this);
  }

  /**
   * One turn: read, and wait if there is nothing new. An arrival and the timeout both lead to
   * another read. Only the timeout may answer with an empty page.
   */
  #turn(): void {
    const { clock, reader, waiters } = this.#context;
    this.#turnEndsAtMs = clock.monotonic() + this.#turns.waitMs;
    this.#skippedPages.reset();
    const after = this.#position.in(reader.window.epoch);
    const firstNew = waiters.isBusy ? reader.firstNew(this.request.topics, after) : undefined;
    if (firstNew === undefined) this.#read();
    else {
      // While others are queued, a client that reconnects waits behind them.
      this.#state = 'waiting';
      waiters.queue(this, firstNew);
    }
  }

  #read(): void {
    const { reader } = this.#context;
    const { topics, limit } = this.request;
    const { epoch } = reader.window;
    const bytesMax = this.request.bytesMax?.();
    const after = this.#position.in(epoch);
    this.#state = 'reading';
    if (after !== 'earliest' && reader.reaches(after)) {
      this.#onPage(reader.fromWindow({ topics, after, limit, bytesMax }));
      return;
    }
    reader
      .fromStore({ topics, after, limit, bytesMax }, () => this.#isOpen())
      .then((page) => {
        if (!this.#isOpen()) return;
        if (this.#position.rewinds(after, page.epoch)) this.#read();
        else this.#onStorePage(page, after, epoch);
      })
      .catch((error: unknown) => {
        this.#fail(error);
      });
  }

  /** @param epoch the epoch of the window when the read began */
  #onStorePage(found: LogPage, after: Start, epoch: LogPage['epoch']): void {
    const { reader, waiters } = this.#context;
    const page = deliverablePage(this.request, { page: reader.fresh(found), after, window: reader.window });
    if (!page) {
      this.#fail(waiters.retryError(BEHIND));
      return;
    }
    // If all notifications on a page have expired or been replaced, the waiter reads the next page.
    const continues = page.more ? this.#leftMs() > 0 : reader.movedOn(page, epoch);
    if (isEmpty(page) && continues) {
      this.#position.read(page);
      this.#read();
    } else this.#onPage(page);
  }

  #onPage(page: LogPage): void {
    const { rights } = this.request;
    if (page.entries.length > 0 && rights) {
      this.#checkAccess(page, rights);
      return;
    }
    const leftMs = isEmpty(page) ? this.#leftMs() : 0;
    if (leftMs <= 0) this.#emit(page);
    else {
      this.#position.read(page);
      this.#wait(leftMs);
    }
  }

  #wait(leftMs: number): void {
    this.#state = 'waiting';
    if (leftMs === Infinity) return;
    this.#turnTimer ??= this.#context.clock.setTimeout(() => {
      this.#turnTimer = undefined;
      this.#onTimeout();
    }, leftMs);
  }

  /**
   * Does nothing for a queued waiter, because the queue wakes the waiter soon. A busy waiter checks
   * the clock itself.
   */
  #onTimeout(): void {
    const { reader, waiters } = this.#context;
    if (this.#state !== 'waiting' || waiters.isQueued(this)) return;
    const leftMs = this.#leftMs();
    if (leftMs > 0) this.#wait(leftMs);
    else this.#readAgain(reader.window.head);
  }

  /** The time that remains in this turn. */
  #leftMs(): number {
    return this.#turnEndsAtMs - this.#context.clock.monotonic();
  }

  /** Reads again from a position. The log holds nothing for this waiter up to that position. */
  #readAgain(position: number): void {
    this.#position.skipTo(position, this.#context.reader.window.epoch);
    this.#read();
  }

  #checkAccess(page: LogPage, rights: Rights): void {
    const { topics: names } = this.request;
    const { reader } = this.#context;
    const { interruptions } = reader;
    checkPage(
      { page, rights, names },
      {
        allowed: (allowed) => {
          if (!this.#isOpen()) return;
          if (reader.interruptions === interruptions) this.#onAllowed(reader.fresh(allowed));
          else this.#read();
        },
        revoked: () => this.#end('rights'),
        failed: (error) => this.#fail(error),
      },
    );
  }

  /**
   * The page may be empty: its notifications expired during the check, or the rules rejected them.
   * Then the waiter reads again, because it ignores arrivals during the check. A request that reads
   * many such pages in a turn gets an empty page. Its cursor has advanced.
   */
  #onAllowed(page: LogPage): void {
    if (!isEmpty(page) || this.#leftMs() <= 0 || this.#skippedPages.endWith(page, this.request.limit)) {
      this.#emit(page);
    } else {
      this.#position.read(page);
      this.#read();
    }
  }

  #emit(page: LogPage): void {
    this.#position.delivered(page);
    this.#state = 'delivering';
    if (this.#turns.count === 'one' || page.ending) this.#emitLast(page);
    else {
      this.#deliver(page);
      if (this.#isOpen()) this.#nextTurn(this.#consumer.drained?.(), page);
    }
  }

  #deliver(page: LogPage): void {
    const { observer } = this.#context;
    this.#consumer.next(page);
    observer.delivered(page, this);
    if (page.gap) observer.gap(page.gap, this);
  }

  /**
   * The waiter leaves the indexes before it emits its last page. So a consumer that reacts to the
   * page no longer finds the waiter. The slot is released when the consumer has drained the page.
   */
  #emitLast(page: LogPage): void {
    if (this.#consumer.drained) this.#leave();
    else this.unsubscribe();
    const release = (): void => {
      this.#context.waiters.releaseSlot(this);
    };
    let drained: Promise<void> | undefined;
    try {
      this.#deliver(page);
      drained = this.#consumer.drained?.();
    } finally {
      if (drained) drained.then(release, release);
      else if (this.#consumer.drained) release();
    }
    this.#consumer.complete();
  }

  /**
   * Starts the next turn when the page has drained. A replay, or a stream with `waitMs: 0`, yields
   * to the event loop first so that other waiters get their turn.
   */
  #nextTurn(drained: Promise<void> | undefined, page: LogPage): void {
    if (!drained && !page.more && this.#turns.waitMs > 0) {
      this.#turn();
      return;
    }
    const turn = (): void => {
      if (this.#state !== 'delivering') return;
      if (!isSkippedPage(page)) this.#turn();
      else {
        this.#pauseTimer = this.#context.clock.setTimeout(() => {
          this.#pauseTimer = undefined;
          this.#turn();
        }, SKIPPED_PAUSE_MS);
      }
    };
    if (!drained) this.#context.clock.setImmediate(turn);
    else {
      drained.then(turn, (error: unknown) => {
        this.#fail(error);
      });
    }
  }

  /**
   * Ends the waiter at its current position. Before its first read it may have no position in this
   * log; then the request is rejected.
   */
  #end(ending: Ending): void {
    const { reader, waiters } = this.#context;
    const { epoch } = reader.window;
    const after = this.#position.in(epoch);
    if (this.#state === 'ended') return;
    if (after === 'earliest' || after.epochId !== epoch.id || after.afterLoss) {
      this.#fail(waiters.retryError(NOT_READ));
    } else this.#emit({ epoch, entries: [], position: after.position, more: false, ending });
  }

  #fail(error: unknown): void {
    if (this.#state === 'ended') return;
    this.unsubscribe();
    this.#context.observer.rejected(error, this);
    this.#consumer.error(error);
  }

  /** Ends the waiter, which keeps its slot. */
  #leave(): void {
    const { clock, waiters, observer } = this.#context;
    if (this.#turnTimer !== undefined) clock.clearTimeout(this.#turnTimer);
    if (this.#lifetimeTimer !== undefined) clock.clearTimeout(this.#lifetimeTimer);
    if (this.#pauseTimer !== undefined) clock.clearTimeout(this.#pauseTimer);
    waiters.disarm(this);
    this.#state = 'ended';
    observer.ended(this);
  }

  #isOpen(): boolean {
    return this.#state !== 'ended';
  }
}
