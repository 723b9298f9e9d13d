import { type Built, built, MainProcess } from '../browser/main-process.js';

/** Nodes end and start while clients go on; a client asks for an address each time and gets one that is meant to be up. */
export class Cluster {
  readonly #built: Built = built();
  readonly #env: Readonly<Record<string, string>>;
  readonly #nodes: { process: MainProcess; url: string }[] = [];
  #turn = 0;

  private constructor(env: Readonly<Record<string, string>>) {
    this.#env = { SOURCE_SECONDS: '0', RETRY_SECONDS: '0.1', HEARTBEAT_SECONDS: '1', RETAIN_COUNT: '1000000', ...env };
  }

  static async start(size: number, env: Readonly<Record<string, string>>): Promise<Cluster> {
    const cluster = new Cluster(env);
    for (let i = 0; i < size; i++) cluster.#nodes.push(await cluster.#startNode());
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
    this.#nodes[index] = await this.#startNode();
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

  async #startNode(): Promise<{ process: MainProcess; url: string }> {
    const process = new MainProcess(this.#built.main, this.#env);
    return { process, url: await process.url() };
  }
}
