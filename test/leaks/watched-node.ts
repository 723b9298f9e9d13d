import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { NotificationsCounts } from 'nest-notifications';
import { bundledProgram } from '../support/bundled-program.js';
import { until } from '../support/time/until.js';

/** Ways to run a node. */
export const ADAPTERS = ['express', 'fastify', 'lane'] as const;

export type Command =
  | { readonly kind: 'counts' }
  | { readonly kind: 'heap' }
  | { readonly kind: 'state' }
  | { readonly kind: 'cursors'; readonly count: number }
  | { readonly kind: 'watch'; readonly on: boolean }
  | { readonly kind: 'publish'; readonly topic: string; readonly bytes: number; readonly id?: string | undefined };

/** The state of a node after garbage collection. */
export interface NodeState {
  readonly heapBytes: number;
  /** Heap and buffers. */
  readonly usedBytes: number;
  readonly rssBytes: number;
  /** Names of the warnings that Node.js gave. */
  readonly warnings: readonly string[];
  readonly counts: NotificationsCounts;
  readonly sockets: number;
  /** Of the library. */
  readonly timers: number;
  /** Of the server and of the process. */
  readonly listeners: number;
  /**
   * Requests, responses, waiters and observers that were watched, and which of them are still held
   * by something.
   */
  readonly watched: number;
  readonly alive: Readonly<Record<string, number>>;
}

const NOTHING = {
  waiters: 0,
  topics: 0,
  subscribers: 0,
  addresses: 0,
  unreadConnections: 0,
  unreadBytes: 0,
  sockets: 0,
};

/** A node in a process of its own, which reports its state. */
export class WatchedNode {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;
  readonly #answers = new Map<number, (value: unknown) => void>();
  #serial = 0;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
    this.#ended = once(child, 'close').then(() => {
      throw new Error('the node has ended');
    });
    this.#ended.catch(() => undefined);
    child.on('message', ({ serial, value }: { serial: number; value: unknown }) => {
      this.#answers.get(serial)?.(value);
      this.#answers.delete(serial);
    });
  }

  /**
   * @param options with 'defaults' every limit has its default; the subscriber is in the header
   * X-User
   */
  static async start(
    adapter: (typeof ADAPTERS)[number],
    options: 'watched' | 'defaults' = 'watched',
    flags: readonly string[] = [],
  ): Promise<WatchedNode> {
    const program = bundledProgram({ entry: 'test/leaks/node.ts', sources: ['src', 'test/leaks'] });
    const args = [...flags, '--expose-gc', program, adapter, options];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    return new WatchedNode(child, port);
  }

  get feed(): string {
    return `http://127.0.0.1:${this.port}/notifications`;
  }

  async counts(): Promise<NotificationsCounts & { readonly sockets: number }> {
    return (await this.#ask({ kind: 'counts' })) as NotificationsCounts & { sockets: number };
  }

  /**
   * Bytes after one collection, which holds up those who wait much less than all that `state` does.
   */
  async heap(): Promise<number> {
    return (await this.#ask({ kind: 'heap' })) as number;
  }

  async state(): Promise<NodeState> {
    return (await this.#ask({ kind: 'state' })) as NodeState;
  }

  /** Fills the log with notifications of 8 KiB, and answers a cursor before each of them. */
  async cursors(count: number): Promise<string[]> {
    return (await this.#ask({ kind: 'cursors', count })) as string[];
  }

  /** Starts or stops watching new requests. */
  async watch(on: boolean): Promise<void> {
    await this.#ask({ kind: 'watch', on });
  }

  async publish(topic: string, bytes = 10, id?: string): Promise<void> {
    await this.#ask({ kind: 'publish', topic, bytes, id });
  }

  /** Waits until all clients have left, and the node knows it. */
  async idle(): Promise<void> {
    await until(async () => JSON.stringify(await this.counts()) === JSON.stringify(NOTHING));
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended.catch(() => undefined);
  }

  #ask(command: Command): Promise<unknown> {
    const serial = ++this.#serial;
    // Of one that has ended, `#ended` says so.
    this.#child.send({ serial, command }, () => undefined);
    const answer = new Promise((resolve) => this.#answers.set(serial, resolve));
    return Promise.race([answer, this.#ended]);
  }
}
