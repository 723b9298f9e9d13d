import { type Built, built, MainProcess } from '../browser/main-process.js';

/** How often a node is started that ends by itself, as it does while its engine cannot be reached. */
const STARTS_MAX = 20;
const RESTART_PAUSE_MS = 100;

type Env = Readonly<Record<string, string>>;

/** Nodes end and start while clients go on; a client asks for an address each time and gets one that is meant to be up. */
export class Cluster {
  readonly #built: Built = built();
  readonly #envOf: (index: number) => Env;
  readonly #nodes: { process: MainProcess; url: string }[] = [];
  #turn = 0;

  private constructor(envOf: (index: number) => Env) {
    this.#envOf = envOf;
  }

  static async start(size: number, envOf: (index: number) => Env): Promise<Cluster> {
    const cluster = new Cluster(envOf);
    for (let i = 0; i < size; i++) cluster.#nodes.push(await cluster.#startNode(i));
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

  /** Ends a node in the middle of whatever it does, and starts another in its place. */
  async crash(index: number): Promise<void> {
    const { process } = this.#nodes[index]!;
    process.child.kill('SIGKILL');
    await process.ended();
    this.#nodes[index] = await this.#startNode(index);
  }

  signal(index: number, signal: NodeJS.Signals): void {
    this.#nodes[index]!.process.child.kill(signal);
  }

  /** What the nodes that run now have complained about. */
  complaints(): string {
    return this.#nodes.map(({ process }) => process.stderr).join('');
  }

  /** Ends all nodes in peace; resolves with their exit codes. */
  async stop(): Promise<(number | null)[]> {
    const codes = await Promise.all(this.#nodes.map(({ process }) => process.stop()));
    this.#built.remove();
    return codes;
  }

  /** As whoever keeps an application running does: what ends at its start is started again. */
  async #startNode(index: number): Promise<{ process: MainProcess; url: string }> {
    const env = { SOURCE_SECONDS: '0', RETRY_SECONDS: '0.1', HEARTBEAT_SECONDS: '1', RETAIN_COUNT: '1000000' };
    for (let starts = 1; ; starts++) {
      const process = new MainProcess(this.#built.main, { ...env, ...this.#envOf(index) });
      try {
        return { process, url: await process.url() };
      } catch (error) {
        process.child.kill('SIGKILL');
        await process.ended();
        if (starts === STARTS_MAX) throw error;
        await new Promise((resolve) => setTimeout(resolve, RESTART_PAUSE_MS));
      }
    }
  }
}
