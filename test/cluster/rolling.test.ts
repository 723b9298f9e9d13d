import { afterEach, describe, expect, test } from '@jest/globals';
import { createParser } from 'eventsource-parser';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'nest-notifications';
import { bundledMain, MainProcess, root } from '../browser/main-process.js';
import { endTest } from '../support/http/cleanup.js';
import { PROXIES, type Proxy, startProxy } from '../support/http/proxies.js';
import { freePort } from '../support/free-port.js';
import { derivedId } from '../support/http/derived-id.js';
import { pause } from '../support/time/pause.js';
import { until } from '../support/time/until.js';
import { inDepth } from '../support/depth.js';

const ROUNDS = inDepth(1, 2);
const POLLS = 8;
const STREAMS = 4;
const PUBLISHERS = 2;
/** The pause of an application between two publishes. */
const PACE_MS = 10;

type Ids = string[];

/** Clients and publishers in front of the proxy. Every error that they receive is a failure. */
class Traffic {
  readonly failures: string[] = [];
  readonly published: Ids = [];
  readonly seen: Ids[] = [];
  readonly #feed: string;
  readonly #stop = new AbortController();
  #publishing = true;
  readonly #publishers: Promise<void>[] = [];
  readonly #readers: Promise<void>[] = [];

  constructor(port: number) {
    this.#feed = `http://127.0.0.1:${port}/notifications`;
  }

  async start(): Promise<void> {
    const first = await fetch(`${this.#feed}?topic=all&wait=0`);
    if (first.status !== 200) throw new Error(`the first poll is answered with ${first.status}`);
    const { cursor } = (await first.json()) as Page;
    for (let n = 0; n < POLLS; n++) this.#readers.push(this.#poll(cursor, this.#reader()));
    for (let n = 0; n < STREAMS; n++) this.#readers.push(this.#follow(cursor, this.#reader()));
    for (let n = 0; n < PUBLISHERS; n++) this.#publishers.push(this.#publish(`p${n}`));
  }

  /** Resolves when all clients have received all notifications, or the time is over. */
  async finish(): Promise<void> {
    this.#publishing = false;
    await Promise.all(this.#publishers);
    // The test compares what the clients have received.
    await until(() => this.seen.every((ids) => ids.length >= this.published.length)).catch(() => undefined);
    await this.stop();
  }

  /** Stops all clients and publishers at once. */
  async stop(): Promise<void> {
    this.#publishing = false;
    this.#stop.abort();
    await Promise.all([...this.#publishers, ...this.#readers]);
  }

  /** One for each request, which leaves nothing of itself behind on the one that ends all. */
  #signal(): AbortSignal {
    return AbortSignal.any([this.#stop.signal]);
  }

  #stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  #reader(): Ids {
    const ids: Ids = [];
    this.seen.push(ids);
    return ids;
  }

  async #poll(start: string, ids: Ids): Promise<void> {
    let cursor = start;
    await this.#repeat('poll', async () => {
      const response = await fetch(`${this.#feed}?topic=all&wait=2&cursor=${cursor}`, { signal: this.#signal() });
      if (response.status !== 200) throw new Error(`status ${response.status}`);
      const page = (await response.json()) as Page;
      ids.push(...page.notifications.map(({ id }) => id));
      cursor = page.cursor;
    });
  }

  /** Reconnects from the last id after a stream has ended, as an EventSource does. */
  async #follow(start: string, ids: Ids): Promise<void> {
    let lastId = start;
    await this.#repeat('stream', async () => {
      const headers = { Accept: 'text/event-stream', 'Last-Event-ID': lastId };
      const response = await fetch(`${this.#feed}?topic=all`, { headers, signal: this.#signal() });
      if (response.status !== 200) throw new Error(`status ${response.status}`);
      const parser = createParser({
        onEvent: ({ event, id, data }) => {
          if (event === undefined) ids.push((JSON.parse(data) as { id: string }).id);
          lastId = id ?? lastId;
        },
      });
      const decoder = new TextDecoder();
      try {
        for await (const chunk of response.body!) parser.feed(decoder.decode(chunk as Uint8Array, { stream: true }));
      } catch {
        // The same to an EventSource as an end.
      }
      await pause(PACE_MS);
    });
  }

  async #publish(name: string): Promise<void> {
    for (let serial = 0; this.#publishing; serial++) {
      const item = { id: `${name}-${serial}`, topic: 'all', type: 'numbered', data: serial };
      const headers = { 'Content-Type': 'application/json' };
      const response = await fetch(this.#feed, { method: 'POST', headers, body: JSON.stringify(item) }).catch(String);
      if (typeof response === 'string') this.failures.push(`publish: ${response}`);
      else if (response.status === 201) this.published.push(derivedId(item.topic, item.id));
      else this.failures.push(`publish: status ${response.status}`);
      await pause(PACE_MS);
    }
  }

  async #repeat(what: string, turn: () => Promise<void>): Promise<void> {
    while (!this.#stopped()) {
      try {
        await turn();
      } catch (error) {
        if (this.#stopped()) return;
        this.failures.push(`${what}: ${String(error)}`);
        await pause(PACE_MS);
      }
    }
  }
}

/** Two nodes on fixed ports, as a proxy's configuration has them. */
class Nodes {
  readonly ports: readonly [number, number];
  readonly #main = bundledMain();
  readonly #folder = mkdtempSync(join(tmpdir(), 'nest-notifications-rolling-'));
  readonly #processes: MainProcess[] = [];

  private constructor(ports: readonly [number, number]) {
    this.ports = ports;
  }

  static async start(): Promise<Nodes> {
    const nodes = new Nodes([await freePort(), await freePort()]);
    for (const index of nodes.ports.keys()) await nodes.#start(index);
    return nodes;
  }

  async restart(index: number): Promise<void> {
    expect(await this.#processes[index]!.stop()).toBe(0);
    await this.#start(index);
  }

  async stop(): Promise<void> {
    for (const process of this.#processes) await process.stop();
    rmSync(this.#folder, { recursive: true });
  }

  async #start(index: number): Promise<void> {
    const process = new MainProcess(this.#main, {
      PORT: String(this.ports[index]),
      STORE: `sqlite:${join(this.#folder, 'log.db')}`,
      SOURCE_SECONDS: '0',
      RETRY_SECONDS: '0.1',
      HEARTBEAT_SECONDS: '1',
    });
    this.#processes[index] = process;
    await process.url();
  }
}

/** The configuration of docs/proxies, on the ports of this run. */
function balancing(proxy: Proxy, nodes: Nodes): Proxy {
  const isNginx = proxy.name === 'nginx';
  const file = readFileSync(join(root, 'docs/proxies', isNginx ? 'nginx.conf' : 'haproxy.cfg'), 'utf8');
  const config = (listen: number): string =>
    file
      .replace('127.0.0.1:8080', `127.0.0.1:${listen}`)
      .replace('127.0.0.1:3001', `127.0.0.1:${nodes.ports[0]}`)
      .replace('127.0.0.1:3002', `127.0.0.1:${nodes.ports[1]}`);
  if (!isNginx) return { ...proxy, config: ({ listen }) => config(listen) };
  const whole = (ports: { listen: number; upstream: number }): string => {
    const stock = proxy.config(ports);
    const at = stock.indexOf('  server {');
    return `${stock.slice(0, at)}${config(ports.listen)}\n}\n`;
  };
  return { ...proxy, config: whole };
}

describe.each(PROXIES)('two nodes behind $name', (proxy) => {
  const runs = proxy.program === undefined && process.env.CI !== 'true' ? test.skip : test;
  afterEach(endTest);

  runs(
    'are restarted in turn under load: no failure that a client’s application sees, nothing lost, nothing doubled',
    async () => {
      const nodes = await Nodes.start();
      const traffic = new Traffic((await startProxy(balancing(proxy, nodes), { port: 0 })).port);
      try {
        await traffic.start();
        for (let round = 0; round < ROUNDS; round++) {
          for (const index of nodes.ports.keys()) {
            const before = traffic.published.length;
            await nodes.restart(index);
            await until(() => traffic.published.length >= before + 50 || traffic.failures.length > 0);
          }
        }
        await traffic.finish();
        expect(traffic.failures).toEqual([]);
        expect(traffic.published.length).toBeGreaterThanOrEqual(ROUNDS * 100);
        for (const ids of traffic.seen) {
          expect(new Set(ids).size).toBe(ids.length);
          expect(ids.toSorted()).toEqual(traffic.published.toSorted());
        }
      } finally {
        await traffic.stop();
        await nodes.stop();
      }
    },
    90_000,
  );
});
