import { bundledMain, MainProcess } from '../browser/main-process.js';
import { pause } from '../support/time/pause.js';

/** A node ends by itself while its engine cannot be reached. It is started at most so often. */
const STARTS_MAX = 20;
const RESTART_PAUSE_MS = 100;

type Env = Readonly<Record<string, string>>;

/**
 * Node processes that a test kills and starts again. A client requests an address for each call,
 * and gets that of the next node.
 */
export class Cluster {
  readonly #main = bundledMain();
  readonly #envOf: (index: number) => Env;
  readonly #nodes: { process: MainProcess; url: string }[] = [];
  #turn = 0;

  private constructor(envOf: (index: number) => Env) {
    this.#envOf = envOf;
  }

  static async start(size: number, envOf: (index: number) => Env): Promise<Cluster> {
    const cluster = new Cluster(envOf);
    const starting = Array.from({ length: size }, (_, index) => cluster.#startNode(index));
    cluster.#nodes.push(...(await Promise.all(starting)));
    return cluster;
  }

  get size(): number {
    return this.#nodes.length;
  }

  /** The feed of one node after the other. */
  next(): string {
    return this.feed(this.#turn++ % this.size);
  }

  feed(index: number): string {
    return `${this.#nodes[index]!.url}notifications`;
  }

  /** Kills a node, and starts another one with the same settings. */
  async crash(index: number): Promise<void> {
    const { process } = this.#nodes[index]!;
    process.child.kill('SIGKILL');
    await process.ended();
    this.#nodes[index] = await this.#startNode(index);
  }

  signal(index: number, signal: NodeJS.Signals): void {
    this.#nodes[index]!.process.child.kill(signal);
  }

  /** The output of the running nodes on stderr. */
  complaints(): string {
    return this.#nodes.map(({ process }) => process.stderr).join('');
  }

  /** Stops all nodes with SIGTERM; resolves with their exit codes. */
  async stop(): Promise<(number | null)[]> {
    return Promise.all(this.#nodes.map(({ process }) => process.stop()));
  }

  /** Restarts a node that ends while it starts, as a process manager does. */
  async #startNode(index: number): Promise<{ process: MainProcess; url: string }> {
    const env = { SOURCE_SECONDS: '0', RETRY_SECONDS: '0.1', HEARTBEAT_SECONDS: '1', RETAIN_COUNT: '1000000' };
    for (let starts = 1; ; starts++) {
      const process = new MainProcess(this.#main, { ...env, ...this.#envOf(index) });
      try {
        return { process, url: await process.url() };
      } catch (error) {
        process.child.kill('SIGKILL');
        await process.ended();
        if (starts === STARTS_MAX) throw error;
        await pause(RESTART_PAUSE_MS);
      }
    }
  }
}
