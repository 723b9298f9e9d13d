import type { Page } from 'nest-notifications';
import { createParser } from 'eventsource-parser';
import { ClientRecord, PublishRecord } from '../support/history/record.js';
import type { Cluster } from './cluster.js';

/** A client pauses this long after a failure, as a polite one does. */
const PAUSE_MS = 25;

type Seen = Page['notifications'][number];

/** Reads on over every failure: another node, the other transport, the same cursor. */
export class RoamingClient {
  readonly record: ClientRecord;
  /** Notifications received. */
  count = 0;
  /** Answers that are neither a page nor a refusal that a client may meet. */
  readonly surprises: string[] = [];
  readonly #cluster: Cluster;
  readonly #random: () => number;
  readonly #stop = new AbortController();
  readonly #query: string;
  #cursor = 'earliest';
  #running: Promise<void> | undefined;

  constructor(
    cluster: Cluster,
    readonly topics: readonly string[],
    random: () => number,
  ) {
    this.record = new ClientRecord(`client of ${topics.join()}`);
    this.#cluster = cluster;
    this.#random = random;
    this.#query = `topic=${topics.join()}`;
  }

  start(): this {
    this.#running = this.#run();
    return this;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await (this.#random() < 0.5 ? this.#poll() : this.#stream());
      } catch {
        // A node that is gone, or a request given up: the cursor stands where it stood.
        await pause(PAUSE_MS);
      }
    }
  }

  async #poll(): Promise<void> {
    // Some polls are given up before they are answered.
    const patience = AbortSignal.timeout(this.#random() < 0.2 ? 20 : 5_000);
    const limit = 1 + Math.floor(this.#random() * 50);
    const answered = this.record.poll(this.#cursor, this.topics);
    const response = await this.#get(`wait=1&limit=${limit}`, 'application/json', patience);
    if (response.status === 503) {
      await this.#refused(response);
      return;
    }
    const page = (await response.json()) as Page;
    answered(page);
    this.#cursor = page.cursor;
    this.count += page.notifications.length;
  }

  async #stream(): Promise<void> {
    const patience = AbortSignal.timeout(50 + Math.floor(this.#random() * 400));
    const received = this.record.stream(this.#cursor, this.topics);
    const response = await this.#get('', 'text/event-stream', patience);
    const parser = createParser({
      onEvent: (block) => {
        received(block);
        this.#cursor = block.id ?? this.#cursor;
        if (block.event === undefined) this.count++;
      },
    });
    const decoder = new TextDecoder();
    for await (const chunk of response.body!) parser.feed(decoder.decode(chunk as Uint8Array, { stream: true }));
    await pause(PAUSE_MS);
  }

  async #get(query: string, accept: string, patience: AbortSignal): Promise<Response> {
    const url = `${this.#cluster.next()}?${this.#query}&cursor=${this.#cursor}&${query}`;
    const signal = AbortSignal.any([patience, this.#stop.signal]);
    const response = await fetch(url, { headers: { accept }, signal });
    if (response.status !== 200 && response.status !== 503) this.surprises.push(`${response.status} ${url}`);
    return response;
  }

  async #refused(response: Response): Promise<void> {
    if (response.headers.get('retry-after') === null) this.surprises.push('503 without Retry-After');
    await response.text();
    await pause(PAUSE_MS);
  }
}

/** Publishes one after the other, each again and again with the same id until it is acknowledged. */
export class Publisher {
  readonly record = new PublishRecord();
  /** Publishes acknowledged. */
  acknowledged = 0;
  readonly surprises: string[] = [];
  /** Refusals met, all of them 503 with Retry-After. */
  refused = 0;
  readonly #cluster: Cluster;
  readonly #name: string;
  readonly #topics: readonly string[];
  #stopped = false;
  #running: Promise<void> | undefined;

  constructor(cluster: Cluster, name: string, topics: readonly string[]) {
    this.#cluster = cluster;
    this.#name = name;
    this.#topics = topics;
  }

  start(): this {
    this.#running = this.#run();
    return this;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    for (let serial = 0; !this.#stopped; serial++) {
      const topic = this.#topics[serial % this.#topics.length]!;
      const id = `${this.#name}-${serial}`;
      const acknowledge = this.record.called(id, topic);
      while (!(await this.#publish({ id, topic, type: 'numbered', data: { serial } }))) await pause(PAUSE_MS);
      acknowledge();
      this.acknowledged++;
      await pause(2);
    }
  }

  async #publish(item: { id: string; topic: string; type: string; data: unknown }): Promise<boolean> {
    try {
      const response = await fetch(this.#cluster.next(), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(item),
        signal: AbortSignal.timeout(10_000),
      });
      const text = await response.text();
      if (response.status === 201) return true;
      const wellRefused = response.status === 503 && response.headers.get('retry-after') !== null;
      if (wellRefused) this.refused++;
      else this.surprises.push(`${response.status} ${text}`);
    } catch {
      // The node is gone; whether it has appended is not known, and need not be.
    }
    return false;
  }
}

/**
 * The whole log of some topics, read page by page from its beginning: up to its end as the node knows it, and on until what others have
 * been acknowledged has arrived there, or a poll for it comes back empty.
 */
export async function readAll(
  feed: string,
  topics: readonly string[],
  acknowledged: readonly string[] = [],
): Promise<Seen[]> {
  const all: Seen[] = [];
  const missing = new Set(acknowledged);
  for (let cursor = 'earliest', goOn = true; goOn;) {
    const wait = missing.size > 0 ? 5 : 0;
    const response = await fetch(`${feed}?topic=${topics.join()}&cursor=${cursor}&wait=${wait}&limit=1000`);
    const page = (await response.json()) as Page;
    all.push(...page.notifications);
    for (const { id } of page.notifications) missing.delete(id);
    ({ cursor } = page);
    goOn = page.more || (missing.size > 0 && page.notifications.length > 0);
  }
  return all;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
