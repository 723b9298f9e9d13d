import type { Page } from 'nest-notifications';
import { createParser } from 'eventsource-parser';
import { ClientRecord, PublishRecord } from '../support/history/record.js';
import type { Random } from '../support/random.js';
import { derivedId } from '../support/http/derived-id.js';
import { pause } from '../support/time/pause.js';

/** The address of the feed for the next request. */
export interface Feeds {
  next(): string;
}

/** A client pauses this long after a failure, as a polite one does. */
const PAUSE_MS = 25;
/** A poll that is held for a second at most is answered by then, if it ever is. */
const PATIENCE_MS = 1_500;

type Seen = Page['notifications'][number];

/** Reads on over every failure: another node, the other transport, the same cursor. */
export class RoamingClient {
  readonly record: ClientRecord;
  /** Notifications it has got. */
  seen = 0;
  /** Answers that are neither a page nor a refusal that a client may meet. */
  readonly surprises: string[] = [];
  readonly #feeds: Feeds;
  readonly #random: Random;
  readonly #stop = new AbortController();
  readonly #topics: readonly string[];
  #cursor = 'earliest';
  #running: Promise<void> | undefined;

  constructor(feeds: Feeds, topics: readonly string[], random: Random) {
    this.record = new ClientRecord(topics.join());
    this.#feeds = feeds;
    this.#random = random;
    this.#topics = topics;
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
        await (this.#random.chance(0.5) ? this.#poll() : this.#stream());
      } catch {
        // The node has ended, or the client has aborted the request: the cursor is unchanged.
        await pause(PAUSE_MS);
      }
    }
  }

  async #poll(): Promise<void> {
    // Some polls are given up before they are answered.
    const patience = AbortSignal.timeout(this.#random.chance(0.2) ? 20 : PATIENCE_MS);
    const limit = this.#random.from(1, 50);
    const answered = this.record.poll(this.#cursor, this.#topics);
    const response = await this.#get(`wait=1&limit=${limit}`, 'application/json', patience);
    if (response.status === 503) {
      await this.#refused(response);
      return;
    }
    const page = (await response.json()) as Page;
    answered(page);
    this.seen += page.notifications.length;
    this.#cursor = page.cursor;
  }

  async #stream(): Promise<void> {
    const patience = AbortSignal.timeout(this.#random.from(50, 450));
    const answered = this.record.stream(this.#cursor, this.#topics);
    const response = await this.#get('', 'text/event-stream', patience);
    const parser = createParser({
      onEvent: (block) => {
        answered(block);
        if (block.event === undefined) this.seen++;
        this.#cursor = block.id ?? this.#cursor;
      },
    });
    const decoder = new TextDecoder();
    for await (const chunk of response.body!) parser.feed(decoder.decode(chunk as Uint8Array, { stream: true }));
    await pause(PAUSE_MS);
  }

  async #get(query: string, accept: string, patience: AbortSignal): Promise<Response> {
    const url = `${this.#feeds.next()}?topic=${this.#topics.join()}&cursor=${this.#cursor}&${query}`;
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

/** Publishes in sequence; retries each publish with the same id until it is acknowledged. */
export class Publisher {
  readonly record = new PublishRecord();
  acknowledged = 0;
  readonly surprises: string[] = [];
  /** Refusals met, all of them 503 with Retry-After. */
  refused = 0;
  readonly #feeds: Feeds;
  readonly #name: string;
  readonly #topics: readonly string[];
  #stopped = false;
  #running: Promise<void> | undefined;

  constructor(feeds: Feeds, name: string, topics: readonly string[]) {
    this.#feeds = feeds;
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
      const acknowledge = this.record.called(derivedId(topic, id), topic);
      while (!(await this.#publish({ id, topic, type: 'numbered', data: { serial } }))) await pause(PAUSE_MS);
      acknowledge();
      this.acknowledged++;
      await pause(2);
    }
  }

  async #publish(item: { id: string; topic: string; type: string; data: unknown }): Promise<boolean> {
    try {
      const response = await fetch(this.#feeds.next(), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(item),
        signal: AbortSignal.timeout(2 * PATIENCE_MS),
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
 * The whole log of some topics, page by page from its beginning to the end that the node knows.
 * Then it waits until the node has all acknowledged notifications, or a poll for them is empty.
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
    if (response.status === 503) {
      await response.text();
      await pause(PAUSE_MS);
      continue;
    }
    const page = (await response.json()) as Page;
    all.push(...page.notifications);
    for (const { id } of page.notifications) missing.delete(id);
    ({ cursor } = page);
    goOn = page.more || (missing.size > 0 && page.notifications.length > 0);
  }
  return all;
}
