import type { Retraction } from '../../src/core/retraction.js';
import type { Answer, ClientHistory, RightsChange, Waiting } from '../support/history/history.js';
import { Wire } from './connection.js';
import { type Asking, type Exchange, NOTHING, readBlock, type SentReply } from './exchange.js';
import type { Process, Reply } from './node.js';
import { countOmissions } from './omissions.js';
import { inLogOrder } from './retractions.js';
import type { World } from './world.js';

/** Errors that a client may receive. Any other one is a failure. */
const REFUSALS = new Map([
  ['draining', 'refusedDraining'],
  ['store_unavailable', 'refusedUnavailable'],
  ['forbidden', 'refusedForbidden'],
  ['ticket_invalid', 'refusedTickets'],
  ['waiters_too_many', 'refusedFull'],
  ['subscriber_waiters_too_many', 'refusedFull'],
  ['address_waiters_too_many', 'refusedFull'],
] as const);

/** Delays of one direction of the network. Most are 0, so that events coincide. */
const WAYS_MS = [0, 0, 0, 1, 5, 15];

/** Tickets are for streams only. A stream sends heartbeats no more often than this. */
const HEARTBEAT_MS_MIN = 50;
/**
 * A stream pauses after some pages of refused notifications. The pause must not delay a
 * notification beyond the checker's limit.
 */
const PATTERN_LIMIT_MIN = 3;

/** A client with a cursor: it polls and streams, on any node, and records every answer. */
export class Client implements ClientHistory {
  readonly events: (Answer | Waiting)[] = [];
  readonly rights: RightsChange[] = [];
  finished = false;
  /** The topics that the application allows it to read now. */
  readonly allowed: Set<string>;
  cursor: string;
  readonly #world: World;
  readonly #stalled: (() => void)[] = [];
  #isStalled = false;
  #exchange: Exchange | undefined;
  #lastKind: Asking['kind'] | undefined;
  #lastProcess: Process | undefined;
  #ticket: { readonly text: string; readonly topics: readonly string[] } | undefined;

  constructor(
    world: World,
    readonly name: string,
    readonly interests: readonly string[],
    private readonly how: {
      readonly start: 'earliest' | 'latest';
      readonly hasTickets: boolean;
      /** It asks for all topics, and its access rules allow those that it is interested in. */
      readonly hasPattern: boolean;
    },
  ) {
    this.#world = world;
    this.cursor = how.start;
    this.allowed = new Set(interests);
  }

  get hasTickets(): boolean {
    return this.how.hasTickets;
  }

  get isAsking(): boolean {
    return this.#exchange !== undefined;
  }

  get process(): Process | undefined {
    return this.#exchange?.process;
  }

  /** Sends a request, unless one is under way. */
  ask(process: Process, given: Asking): void {
    const topics = this.interests.filter((topic) => this.allowed.has(topic));
    if (this.#exchange || topics.length === 0) return;
    const { random, clock } = this.#world;
    const asking: Asking = this.how.hasTickets
      ? { ...given, kind: 'stream', waitMs: given.waitMs + HEARTBEAT_MS_MIN }
      : { ...given, limit: this.how.hasPattern ? given.limit + PATTERN_LIMIT_MIN : given.limit };
    this.#countMoves(process, asking);
    const askedMs = this.#world.stamp();
    const replies = new Wire<SentReply>(clock, (reply) => {
      this.#receive(exchange, reply);
    });
    const exchange: Exchange = {
      process,
      asking,
      topics,
      replies,
      from: this.cursor,
      askedMs,
      sentMs: askedMs,
      part: NOTHING,
      end: () => undefined,
    };
    const requests = new Wire<undefined>(clock, () => {
      this.#arrive(exchange);
    });
    exchange.end = () => requests.cut();
    this.#exchange = exchange;
    requests.send(undefined, random.pick(WAYS_MS));
  }

  /** Aborts its request. Replies in flight are lost, and the node notices a little later. */
  leave(): void {
    const exchange = this.#exchange;
    if (!exchange) return;
    const { random, clock, counters } = this.#world;
    this.#exchange = undefined;
    counters.answersLost += exchange.replies.cut();
    this.#takeAll();
    const closing = new Wire<undefined>(clock, () => {
      exchange.end();
    });
    closing.send(undefined, random.pick(WAYS_MS));
  }

  /** Its connection to a process has closed, because the process has ended. */
  loseProcess(process: Process): boolean {
    if (this.#exchange?.process !== process) return false;
    this.leave();
    return true;
  }

  /** The client reads no more of its stream until `take`. */
  stall(): void {
    this.#isStalled = true;
  }

  take(): void {
    this.#isStalled = false;
    this.#takeAll();
  }

  /** Continues from a cursor that it received earlier. */
  goBack(): void {
    const { random, counters } = this.#world;
    const given = this.events.filter((event): event is Answer => 'cursor' in event);
    if (this.#exchange || given.length === 0) return;
    this.cursor = random.pick(given).cursor;
    counters.oldCursorsReadAgain++;
  }

  /** The application revokes a topic, and calls `revoke` on one node. */
  takeAway(topic: string, { feed }: Process): void {
    const { counters, failures } = this.#world;
    const change: { -readonly [K in keyof RightsChange]: RightsChange[K] } = {
      topic,
      allowed: false,
      calledMs: this.#world.stamp(),
    };
    this.allowed.delete(topic);
    this.rights.push(change);
    this.#world.trace(() => `${this.name} may no longer read ${topic}`);
    if (this.#exchange) counters.revokedWhileHeld++;
    feed!.revoke({ subscriber: this.name, topics: [topic] }).then(
      () => {
        change.doneMs = this.#world.stamp();
        const behind = this.#exchange?.process.feed?.window;
        if (behind && behind.head < this.#world.engine.head) counters.revokedBehindTheTail++;
      },
      (error: unknown) => {
        if ((error as { code?: string }).code !== 'store_unavailable') failures.push(String(error));
      },
    );
  }

  giveBack(topic: string): void {
    const nowMs = this.#world.stamp();
    this.allowed.add(topic);
    this.rights.push({ topic, allowed: true, calledMs: nowMs, doneMs: nowMs });
    this.#world.trace(() => `${this.name} may read ${topic} again`);
  }

  /** Records that it has received no answer so far. */
  look(): void {
    const exchange = this.#exchange;
    if (!exchange || this.#isStalled) return;
    this.events.push({ ...this.#times(exchange), sentMs: undefined, from: exchange.from, topics: exchange.topics });
  }

  #arrive(exchange: Exchange): void {
    const { process, asking, topics } = exchange;
    const { random } = this.#world;
    const reply = (one: Reply): void => {
      if (!process.clock.isDead) exchange.replies.send({ ...one, sentMs: this.#world.stamp() }, random.pick(WAYS_MS));
    };
    if (process.clock.isDead || !process.feed) {
      this.leave();
      return;
    }
    const place = this.#world.placeOf(exchange.from);
    if (place && this.#world.isNewer(place.log, process.feed.window.epoch.id)) {
      // The node does not know the new log yet. It rejects the cursor, and the client retries.
      this.#world.counters.movesToOlderLogs++;
    }
    const ticketOrRules = this.how.hasTickets ? this.#ticketOf(process, topics) : this.#rules(topics);
    if (!ticketOrRules || (!this.how.hasTickets && topics.some((topic) => !this.allowed.has(topic)))) {
      reply({ kind: 'refused', code: 'forbidden' });
      return;
    }
    exchange.end = process.serve(
      {
        ...asking,
        cursor: this.cursor,
        topics: this.how.hasPattern ? ['*'] : topics,
        subscriber: this.name,
        address: `address ${Number(this.name.at(-1)) % 2}`,
        rights: ticketOrRules,
      },
      { reply, drained: () => this.#drained(exchange) },
    );
    if (this.how.hasTickets && asking.isRevokedDuringCheck) this.takeAway(random.pick(topics), process);
  }

  /**
   * The application's access rules: they answer at once or after a delay. They allow the topics of
   * the request only, which matters for a request of a pattern.
   */
  #rules(asked: readonly string[]): {
    allowed: (topics: readonly string[]) => readonly string[] | Promise<readonly string[]>;
  } {
    const { random, clock, counters } = this.#world;
    return {
      allowed: (topics) => {
        const answer = (): readonly string[] => {
          const allowed = topics.filter((topic) => asked.includes(topic) && this.allowed.has(topic));
          if (allowed.length < topics.length && this.how.hasPattern) counters.refusedLeftOut++;
          return allowed;
        };
        if (random.chance(0.6)) return answer();
        counters.rightsAskedLate++;
        return new Promise((resolve) => {
          const allowed = answer();
          clock.setTimeout(
            () => {
              resolve(allowed);
            },
            random.from(1, 20),
          );
        });
      },
    };
  }

  /**
   * A ticket has the topics of its owner at the time of issue. It is valid until it is rejected.
   */
  #ticketOf(process: Process, topics: readonly string[]): { ticket: string } | undefined {
    const covers = topics.every((topic) => this.#ticket?.topics.includes(topic));
    if (!covers) {
      if (topics.some((topic) => !this.allowed.has(topic))) return undefined;
      this.#ticket = { text: process.ticket(), topics };
    }
    return { ticket: this.#ticket!.text };
  }

  #drained(exchange: Exchange): Promise<void> | undefined {
    if (!this.#isStalled) return undefined;
    this.#world.counters.streamsStalled++;
    return new Promise((resolve) => {
      this.#stalled.push(() => {
        exchange.askedMs = this.#world.stamp();
        resolve();
      });
    });
  }

  #takeAll(): void {
    for (const taken of this.#stalled.splice(0)) taken();
  }

  #receive(exchange: Exchange, reply: SentReply): void {
    const world = this.#world;
    exchange.sentMs = reply.sentMs;
    if (reply.kind === 'refused') {
      const counter = REFUSALS.get(reply.code as 'draining');
      if (!counter) world.failures.push(`${this.name} was refused: ${reply.code}`);
      else world.counters[counter]++;
      if (reply.code === 'ticket_invalid' || reply.code === 'forbidden') this.#ticket = undefined;
      this.#exchange = undefined;
    } else if (reply.kind === 'end') this.#exchange = undefined;
    else if (reply.kind === 'page') {
      this.#exchange = undefined;
      const page = JSON.parse(reply.text) as {
        notifications: Answer['notifications'];
        retracted?: Retraction[];
        cursor: string;
        more: boolean;
        gap?: { reason: Answer['gap'] };
      };
      const notifications = inLogOrder(world, page);
      this.#checkCount(exchange, notifications.length);
      // If `more` is true and the page is empty, all its notifications have expired, or were
      // replaced or retracted.
      const isPlaceOnly = reply.isEnding || (page.more && notifications.length === 0);
      this.#take(exchange, { ...page, notifications, gap: page.gap?.reason, isPlaceOnly });
    } else {
      const blocks = reply.text.split('\n\n').slice(0, -1);
      this.#checkCount(exchange, blocks.filter((block) => block.includes('"topic":')).length);
      // After a cut, the client has whole blocks, and later blocks are lost.
      const cutAt =
        world.cutsBlocks && world.random.chance(0.2) ? world.random.below(blocks.length + 1) : blocks.length;
      for (const block of blocks.slice(0, cutAt)) this.#takeBlock(exchange, block, reply.isOpening);
      if (cutAt === blocks.length) return;
      world.counters.streamsCutInBlocks++;
      if (this.#exchange === exchange) this.leave();
    }
  }

  /** Checks the number of notifications on one page. */
  #checkCount({ asking }: Exchange, count: number): void {
    if (count > asking.limit) this.#world.failures.push(`${this.name} is told ${count}, and wants ${asking.limit}`);
  }

  #takeBlock(exchange: Exchange, block: string, isPlaceOnly: boolean): void {
    const { id, part } = readBlock(block, exchange.part);
    exchange.part = part;
    if (id === undefined) return;
    exchange.part = NOTHING;
    const { notifications, gap } = part;
    // The first block of a stream repeats the client's position.
    if (isPlaceOnly && exchange.from !== 'latest' && notifications.length === 0) return;
    this.#take(exchange, { notifications, gap, cursor: id, isPlaceOnly });
  }

  #take(exchange: Exchange, answer: Pick<Answer, 'notifications' | 'gap' | 'cursor' | 'isPlaceOnly'>): void {
    const world = this.#world;
    const times = this.#times(exchange);
    const { from, topics } = exchange;
    const { notifications, gap, cursor, isPlaceOnly } = answer;
    const place = world.placeOf(cursor);
    if (!place) {
      world.failures.push(`${this.name} received a cursor that no node can open`);
      return;
    }
    const seen = notifications.map(({ id, topic }) => ({ id, topic }));
    countOmissions(world, { from: world.placeOf(from), place, topics, seen });
    this.events.push({ ...times, from, topics, notifications: seen, gap, cursor, place, isPlaceOnly });
    this.cursor = cursor;
    exchange.from = cursor;
    exchange.askedMs = times.atMs;
    world.counters.answers++;
    if (notifications.length === 0 && !gap && !isPlaceOnly) world.counters.emptyPages++;
    if (gap) world.counters[gap === 'expired' ? 'expiredGaps' : 'resetGaps']++;
    world.trace(
      () =>
        `${this.name} gets ${seen.map(({ id, topic }) => topic + id).join(' ') || 'nothing'}, ${place.log}${place.position}${gap ? `, gap ${gap}` : ''}`,
    );
  }

  #times({ askedMs, sentMs }: Exchange): Pick<Waiting, 'askedMs' | 'atMs' | 'sentMs' | 'quietSinceMs'> {
    const { quietSinceMs } = this.#world;
    return { askedMs, sentMs, atMs: this.#world.stamp(), quietSinceMs };
  }

  #countMoves(process: Process, { kind }: Asking): void {
    const { counters } = this.#world;
    counters[kind === 'poll' ? 'polls' : 'streams']++;
    if (this.#lastProcess && this.#lastProcess !== process) counters.movesBetweenNodes++;
    if (this.#lastKind && this.#lastKind !== kind) counters.movesBetweenTransports++;
    const place = this.#world.placeOf(this.cursor);
    const head = process.feed?.window;
    if (place && head && this.#world.logOf(head.epoch.id) === place.log && head.head < place.position)
      counters.movesToNodesBehind++;
    this.#lastProcess = process;
    this.#lastKind = kind;
  }
}
