import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NatsConnection, connect } from '@nats-io/transport-node';
import { freePort } from '../free-port.js';
import { freezeProcess } from './freeze.js';
import { type EngineVersion, otherVersionOf } from './versions.js';
import { pause } from '../time/pause.js';

const BINARY = 'nats-server';
const START_MS = 10_000;
const POLL_MS = 20;

/** The reason why tests of the engine are skipped, if they are. With CI set, that is an error. */
export function natsMissing(): string | undefined {
  try {
    execFileSync(BINARY, ['-v'], { stdio: 'pipe' });
    return undefined;
  } catch {
    const reason = `${BINARY} is not on the PATH, the tests of the nats store are skipped`;
    if (process.env.CI) throw new Error(reason);
    console.warn(reason);
    return reason;
  }
}

/** The machine's version, and other versions. scripts/engines.mjs defines their names. */
export function natsVersions(others: readonly string[]): readonly EngineVersion[] {
  const installed: EngineVersion = { name: 'nats-server of this machine', binary: BINARY, missing: natsMissing() };
  return [installed, ...others.map((name) => otherVersionOf('nats-server', name))];
}

export interface NatsServerOptions {
  /** Lines of the configuration file. */
  readonly config?: string;
  /** The token that clients need. */
  readonly token?: string;
  readonly binary?: string;
}

/** A server with JetStream on a free loopback port, with its data in a temporary folder. */
export class NatsServer {
  readonly port: number;
  readonly #folder: string;
  readonly #options: NatsServerOptions;
  #process: ChildProcess | undefined;

  private constructor(port: number, folder: string, options: NatsServerOptions) {
    this.port = port;
    this.#folder = folder;
    this.#options = options;
  }

  static async start(options: NatsServerOptions = {}): Promise<NatsServer> {
    const folder = mkdtempSync(join(tmpdir(), 'notifications-nats-'));
    const server = new NatsServer(await freePort(), folder, options);
    server.configure(options.config);
    await server.startAgain();
    return server;
  }

  /** Writes the configuration, which the server reads when it starts or reloads. */
  configure(config = ''): void {
    writeFileSync(this.#configFile, this.#config(config));
  }

  get servers(): string {
    return `127.0.0.1:${this.port}`;
  }

  async startAgain(): Promise<void> {
    this.#process = spawn(this.#binary, ['-c', this.#configFile], { stdio: 'ignore' });
    const endsMs = Date.now() + START_MS;
    for (;;) {
      try {
        await (await this.connect({ reconnect: false, timeout: 1_000 })).close();
        return;
      } catch (error) {
        if (Date.now() > endsMs || this.#process.exitCode !== null) throw error;
        await pause(POLL_MS);
      }
    }
  }

  connect(options: Parameters<typeof connect>[0] = {}): Promise<NatsConnection> {
    const { token } = this.#options;
    return connect({ servers: this.servers, ...(token !== undefined && { token }), ...options });
  }

  /** SIGKILL: data that the process has not written yet is lost. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** SIGTERM: the process writes its data before it ends. */
  shutDown(): Promise<void> {
    return this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    if (process?.exitCode !== null) return;
    const exited = once(process, 'exit');
    process.kill(signal);
    await exited;
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.startAgain();
  }

  /** Reads the configuration again. */
  reload(): void {
    this.#process?.kill('SIGHUP');
  }

  /** SIGSTOP: the server's connections stay open, and the server does not answer. */
  freeze(): void {
    if (this.#process?.pid !== undefined) freezeProcess(this.#process.pid);
  }

  thaw(): void {
    this.#process?.kill('SIGCONT');
  }

  /** Deletes all data, as the loss of a disk does. The server must be down. */
  wipe(): void {
    rmSync(this.dataFolder, { recursive: true, force: true });
  }

  get dataFolder(): string {
    return join(this.#folder, 'data');
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #binary(): string {
    return this.#options.binary ?? BINARY;
  }

  get #configFile(): string {
    return join(this.#folder, 'server.conf');
  }

  #config(more: string): string {
    // The server's default limit of three quarters of the disk is too small for all tests together.
    const sync = synchronises(this.#binary) ? 'sync_interval: always' : '';
    return `host: 127.0.0.1\nport: ${this.port}\njetstream {\n store_dir: "${this.dataFolder}"\n max_file: 1TB\n ${sync}\n}\n${more}\n`;
  }
}

/** Three servers that replicate the streams. */
export class NatsCluster {
  readonly #folder: string;
  readonly #ports: readonly number[];
  readonly #processes: ChildProcess[] = [];
  readonly #binary: string;

  private constructor(folder: string, ports: readonly number[], binary: string) {
    this.#folder = folder;
    this.#ports = ports;
    this.#binary = binary;
  }

  static async start(binary = BINARY): Promise<NatsCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'notifications-nats-'));
    const ports = await Promise.all([freePort(), freePort(), freePort()]);
    const cluster = new NatsCluster(folder, ports, binary);
    const routes = await Promise.all([freePort(), freePort(), freePort()]);
    const all = routes.map((port) => `nats://127.0.0.1:${port}`).join(',');
    for (const [at, port] of ports.entries()) {
      const store = `jetstream {\n store_dir: "${join(folder, `data-${at}`)}"\n max_file: 1TB\n}`;
      const route = `cluster {\n name: c\n host: 127.0.0.1\n port: ${routes[at]}\n routes: [${all}]\n}`;
      const config = `server_name: n${at}\nhost: 127.0.0.1\nport: ${port}\n${store}\n${route}\n`;
      writeFileSync(join(folder, `${at}.conf`), config);
      cluster.#run(at);
    }
    await Promise.all(ports.map((port) => accepts(port)));
    return cluster;
  }

  /** The addresses of all servers, beginning with this one. */
  servers(first: number): string[] {
    const all = this.#ports.map((port) => `127.0.0.1:${port}`);
    return [...all.slice(first), ...all.slice(0, first)];
  }

  get names(): readonly string[] {
    return this.#ports.map((_, at) => `n${at}`);
  }

  async kill(name: string): Promise<void> {
    const process = this.#processes[indexOf(name)];
    if (process?.exitCode !== null || process.signalCode !== null) return;
    const exited = once(process, 'exit');
    process.kill('SIGKILL');
    await exited;
  }

  startAgain(name: string): void {
    this.#run(indexOf(name));
  }

  stop(): void {
    for (const process of this.#processes) process.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #run(at: number): void {
    this.#processes[at] = spawn(this.#binary, ['-c', join(this.#folder, `${at}.conf`)], { stdio: 'ignore' });
  }
}

function indexOf(name: string): number {
  return Number(name.slice(1));
}

/** Resolves when a server accepts connections. */
async function accepts(port: number): Promise<void> {
  for (const endsMs = Date.now() + START_MS; ;) {
    try {
      await (await connect({ servers: `127.0.0.1:${port}`, reconnect: false, timeout: 1_000 })).close();
      return;
    } catch (error) {
      if (Date.now() > endsMs) throw error;
      await pause(POLL_MS);
    }
  }
}

/** Servers before 2.10 do not know the option and do not start with it. */
function synchronises(binary: string): boolean {
  const [, major = 0, minor = 0] = /v(\d+)\.(\d+)/.exec(execFileSync(binary, ['-v'], { encoding: 'utf8' })) ?? [];
  return Number(major) > 2 || Number(minor) >= 10;
}
