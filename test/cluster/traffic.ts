import { problemsOf } from '../support/history/checker.js';
import type { Problem } from '../support/history/history.js';
import type { Random } from '../support/random.js';
import { until } from '../support/time/until.js';
import { type Feeds, Publisher, readAll, RoamingClient } from './clients.js';

const TOPICS = ['a', 'b', 'c', 'd'];
/** The topics of each client. */
const INTERESTS = [['a'], ['b'], ['c', 'd'], ['a', 'b', 'c', 'd'], ['a', 'd'], ['b', 'c']];
const PUBLISHERS = ['p', 'q', 'r'];
const SETTLE_MS_MAX = 30_000;

/**
 * Clients and publishers that retry after every failure. At the end it checks the log that the
 * clients have received.
 */
export class Traffic {
  readonly #random: Random;
  readonly #clients: readonly RoamingClient[];
  readonly #publishers: readonly Publisher[];

  constructor(feeds: Feeds, random: Random) {
    this.#random = random;
    this.#clients = INTERESTS.map((topics) => new RoamingClient(feeds, topics, random));
    this.#publishers = PUBLISHERS.map((name) => new Publisher(feeds, name, TOPICS));
  }

  start(): this {
    for (const party of [...this.#clients, ...this.#publishers]) party.start();
    return this;
  }

  /** Publishes that a node has rejected. */
  get refused(): number {
    return this.#publishers.reduce((sum, { refused }) => sum + refused, 0);
  }

  get acknowledged(): number {
    return this.#publishers.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
  }

  /** Waits for a few acknowledgements of each publisher, so that faults hit requests in flight. */
  async progress(): Promise<void> {
    const goals = this.#publishers.map(({ acknowledged }) => acknowledged + this.#random.from(1, 10));
    await until(
      () => this.#publishers.every(({ acknowledged }, index) => acknowledged >= goals[index]!),
      SETTLE_MS_MAX,
    );
  }

  /** Stops the publishers, waits until all clients have the log, and checks it with a node's. */
  async finish(feed: string): Promise<{ problems: Problem[]; surprises: string[] }> {
    await Promise.all(this.#publishers.map((publisher) => publisher.stop()));
    const publishes = this.#publishers.flatMap(({ record }) => record.publishes);
    const log = await readAll(
      feed,
      TOPICS,
      publishes.map(({ id }) => id),
    );
    await this.#caughtUp(log);
    await this.stop();
    const clients = this.#clients.map(({ record }) => Object.assign(record, { finished: true }));
    const entries = log.map(({ id, topic }, at) => ({ id, topic, position: at + 1 }));
    return {
      problems: problemsOf({ publishes, clients, logs: new Map([['log', entries]]) }),
      surprises: [...this.#clients, ...this.#publishers].flatMap((party) => party.surprises),
    };
  }

  /** Stops all clients and publishers at once. */
  async stop(): Promise<void> {
    await Promise.all([...this.#clients, ...this.#publishers].map((party) => party.stop()));
  }

  async #caughtUp(log: readonly { topic: string }[]): Promise<void> {
    const due = INTERESTS.map((topics) => log.filter(({ topic }) => topics.includes(topic)).length);
    // The check that follows reports what is missing.
    await until(() => this.#clients.every(({ seen }, index) => seen >= due[index]!), SETTLE_MS_MAX).catch(
      () => undefined,
    );
  }
}
