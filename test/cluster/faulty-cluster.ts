import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { root } from '../browser/main-process.js';
import type { Random } from '../support/random.js';
import { seededFaults } from '../support/tcp/faults.js';
import { TcpProxy } from '../support/tcp/proxy.js';
import { type Feeds } from './clients.js';
import { Cluster } from './cluster.js';
import type { SharedEngine } from '../support/engines/shared.js';
import { pause } from '../support/time/pause.js';

const NODES = 2;
const HOUR_MS = 3_600_000;
const JUMPS = pathToFileURL(join(root, 'test/support/clock-jumps.mjs')).href;

/** A request is sent twice, is cut, or never gets an answer. Clients retry, so most succeed. */
const CLIENT_FAULTS = {
  probability: 0.25,
  bytesMax: 20_000,
  msMax: 800,
  kinds: ['delay', 'cut', 'stall', 'drop', 'deaf', 'twin', 'echo'],
} as const;

/** A node keeps its few connections for long. Its commands are never sent twice. */
const ENGINE_FAULTS = {
  probability: 0.5,
  bytesMax: 200_000,
  msMax: 1_500,
  kinds: ['delay', 'cut', 'stall', 'drop', 'deaf', 'twin'],
} as const;

/** The faults of a run. Those of the engine need a process. */
export type Disturbance =
  'node killed' | 'node stopped' | 'engine killed' | 'engine stopped' | 'clients cut' | 'engine cut' | 'clock jumps';

/** Nodes with a proxy between clients and each node, and one between each node and the engine. */
export class FaultyCluster implements Feeds {
  readonly #engine: SharedEngine;
  readonly #random: Random;
  readonly #fronts: TcpProxy[] = [];
  readonly #backs: TcpProxy[] = [];
  #cluster!: Cluster;
  #codes: Promise<(number | null)[]> | undefined;
  #turn = 0;

  private constructor(engine: SharedEngine, random: Random) {
    this.#engine = engine;
    this.#random = random;
  }

  static async start(engine: SharedEngine, random: Random): Promise<FaultyCluster> {
    const whole = new FaultyCluster(engine, random);
    for (let index = 0; index < NODES; index++) {
      if (engine.port !== undefined) whole.#backs.push(await TcpProxy.start(engine.port));
    }
    whole.#cluster = await Cluster.start(NODES, (index) => whole.#envOf(index));
    for (let index = 0; index < NODES; index++) {
      whole.#fronts.push(
        await TcpProxy.start(portOf(whole.#cluster.feed(index)), seededFaults({ ...CLIENT_FAULTS, random })),
      );
    }
    for (const back of whole.#backs) back.faults(seededFaults({ ...ENGINE_FAULTS, random }));
    return whole;
  }

  /** One node after the other, through its proxy. */
  next(): string {
    return `http://127.0.0.1:${this.#fronts[this.#turn++ % NODES]!.port}/notifications`;
  }

  /** The number of faults of each kind. */
  suffered(): Record<string, number> {
    const sum: Record<string, number> = {};
    for (const { suffered } of [...this.#fronts, ...this.#backs])
      for (const [kind, count] of suffered) sum[kind] = (sum[kind] ?? 0) + count;
    return sum;
  }

  /** The faults that a seed chooses from. */
  get disturbances(): Disturbance[] {
    const always: Disturbance[] = ['node killed', 'node stopped', 'clients cut', 'clock jumps'];
    return this.#engine.crash ? [...always, 'engine killed', 'engine stopped', 'engine cut'] : always;
  }

  async disturb(disturbance: Disturbance): Promise<void> {
    const index = this.#random.below(NODES);
    switch (disturbance) {
      case 'node killed':
        await this.#cluster.crash(index);
        this.#fronts[index]!.targetPort = portOf(this.#cluster.feed(index));
        break;
      case 'node stopped':
        this.#cluster.signal(index, 'SIGSTOP');
        await pause(this.#random.from(100, 1_500));
        this.#cluster.signal(index, 'SIGCONT');
        break;
      case 'engine killed':
        await this.#engine.crash?.();
        break;
      case 'engine stopped':
        this.#engine.hang?.();
        await pause(this.#random.from(100, 1_500));
        this.#engine.goOn?.();
        break;
      case 'clients cut':
        this.#fronts[index]!.cut();
        break;
      case 'engine cut':
        this.#backs[index]?.cut();
        break;
      case 'clock jumps':
        // Of the machine: for all nodes.
        for (let node = 0; node < NODES; node++) this.#cluster.signal(node, 'SIGUSR2');
    }
  }

  /** Ends all faults. */
  heal(): void {
    for (const proxy of [...this.#fronts, ...this.#backs]) proxy.heal();
  }

  /** Stops all nodes with SIGTERM; resolves with their exit codes. */
  stop(): Promise<(number | null)[]> {
    return (this.#codes ??= this.#end());
  }

  async #end(): Promise<(number | null)[]> {
    // All clients have stopped. Connections without a request would delay the end of a node.
    for (const front of this.#fronts) await front.stop();
    const codes = await this.#cluster.stop();
    for (const back of this.#backs) await back.stop();
    return codes;
  }

  #envOf(index: number): Record<string, string> {
    return {
      STORE: this.#engine.store(this.#backs[index]?.port),
      RETAIN_SECONDS: '86400',
      CLOCK_JUMPS_MS: [HOUR_MS, 0, -HOUR_MS, 0].join(),
      NODE_OPTIONS: `--import=${JUMPS}`,
    };
  }
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}
