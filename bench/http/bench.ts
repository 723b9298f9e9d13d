import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type Audience, Clients } from './clients.js';
import type { Order, Report } from './server.js';
import { pause } from '../../test/support/time/pause.js';

const WITHIN_MS = 30_000;
/**
 * A server is idle if it uses less than `REST_US` of CPU time during `REST_MS`. It needs some 500
 * µs to report its usage.
 */
const REST_US = 2_000;
const REST_MS = 12;

/** One server in a process of its own, and its clients. */
export class Bench {
  readonly clients: Clients;
  readonly #server: ChildProcess;
  #last: Report;
  #blockedMs = 0;

  private constructor(server: ChildProcess, clients: Clients, first: Report) {
    this.#server = server;
    this.clients = clients;
    this.#last = first;
  }

  static async open(name: string, audience: Audience): Promise<Bench> {
    const hooks = fileURLToPath(new URL('../../scripts/typescript-hooks.mjs', import.meta.url));
    const path = fileURLToPath(new URL('server.ts', import.meta.url));
    const server = fork(path, [name], { execArgv: ['--expose-gc', '--import', hooks] });
    const first = (await once(server, 'message'))[0] as Report;
    return new Bench(server, await Clients.open(first.port, audience), first);
  }

  /**
   * Publishes these notifications, at once or one after another. Resolves with the CPU time in µs
   * when `clients` clients have received `each` notifications and the server is idle.
   */
  async cycle(
    published: readonly (readonly [serial: number, topic: string])[],
    each: number,
    { clients, inTurn = false }: { clients?: number; inTurn?: boolean } = {},
  ): Promise<number> {
    this.#blockedMs = 0;
    const all = this.clients.cycle(published[0]?.[0] ?? 0, each, WITHIN_MS, clients);
    this.order({ publish: published, inTurn });
    await all;
    return this.spent();
  }

  /**
   * Adds clients. Publishes to their topic, so that later cycles measure clients that have already
   * received a notification.
   */
  async grow(clients: number, topic: string, serials: readonly number[]): Promise<void> {
    await this.clients.join(this.#last.port, clients);
    await this.spent();
    for (const serial of serials) {
      await this.cycle([[serial, topic]], 1, { clients });
      await this.report({ collect: true });
    }
  }

  /** The longest pause of the event loop in the last cycle. */
  get blockedMs(): number {
    return this.#blockedMs;
  }

  /** Waits until the server is idle. Returns its CPU time since the last call, in µs. */
  async spent(): Promise<number> {
    const before = this.#last;
    const after = (this.#last = await this.#atRest());
    return after.cpuUs - before.cpuUs;
  }

  order(order: Order): void {
    this.#server.send(order);
  }

  async report(order: Order = {}): Promise<Report> {
    this.order(order);
    const report = (await once(this.#server, 'message'))[0] as Report;
    this.#blockedMs = Math.max(this.#blockedMs, report.blockedMs);
    return report;
  }

  async close(): Promise<void> {
    this.clients.close();
    this.#server.disconnect();
    await once(this.#server, 'exit');
  }

  /** Resolves with the first report after which the server is idle. */
  async #atRest(): Promise<Report> {
    for (let before = await this.report(); ;) {
      await pause(REST_MS);
      const after = await this.report();
      if (after.cpuUs - before.cpuUs < REST_US) return before;
      before = after;
    }
  }
}
