import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NatsConnection, connect } from '@nats-io/transport-node';
import { freePort } from '../free-port.js';
import { freezeProcess } from './freeze.js';

const BINARY = 'nats-server';
const START_MS = 10_000;
const POLL_MS = 20;

/** Why there is no engine; undefined when there is one. Where CI is set, a missing engine is an error. */
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

interface Credentials {
  readonly token?: string;
}

/** A server of its own with JetStream: on a free port of the loopback, with its data in a temporary folder. */
export class NatsServer {
  readonly port: number;
  readonly #folder: string;
  readonly #credentials: Credentials;
  #process: ChildProcess | undefined;

  private constructor(port: number, folder: string, credentials: Credentials) {
    this.port = port;
    this.#folder = folder;
    this.#credentials = credentials;
  }

  static async start(config = '', credentials: Credentials = {}): Promise<NatsServer> {
    const folder = mkdtempSync(join(tmpdir(), 'notifications-nats-'));
    const server = new NatsServer(await freePort(), folder, credentials);
    writeFileSync(server.#configFile, server.#config(config));
    await server.startAgain();
    return server;
  }

  get servers(): string {
    return `127.0.0.1:${this.port}`;
  }

  async startAgain(): Promise<void> {
    this.#process = spawn(BINARY, ['-c', this.#configFile], { stdio: 'ignore' });
    const endsMs = Date.now() + START_MS;
    for (;;) {
      try {
        await (await this.connect({ reconnect: false, timeout: 1_000 })).close();
        return;
      } catch (error) {
        if (Date.now() > endsMs || this.#process.exitCode !== null) throw error;
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    }
  }

  connect(options: Parameters<typeof connect>[0] = {}): Promise<NatsConnection> {
    return connect({ servers: this.servers, ...this.#credentials, ...options });
  }

  /** SIGKILL: what the process had not handed to the operating system is lost. */
  async kill(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    if (process?.exitCode !== null) return;
    const exited = once(process, 'exit');
    process.kill('SIGKILL');
    await exited;
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.startAgain();
  }

  /** SIGSTOP: the server's connections stay open and nothing is answered. */
  freeze(): void {
    if (this.#process?.pid !== undefined) freezeProcess(this.#process.pid);
  }

  thaw(): void {
    this.#process?.kill('SIGCONT');
  }

  /** Loses all data, as a disk does. The server must be down. */
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

  get #configFile(): string {
    return join(this.#folder, 'server.conf');
  }

  #config(more: string): string {
    // The server would otherwise reserve no more than three quarters of the disk for the streams of all tests together.
    const sync = synchronises() ? 'sync_interval: always' : '';
    return `host: 127.0.0.1\nport: ${this.port}\njetstream {\n store_dir: "${this.dataFolder}"\n max_file: 1TB\n ${sync}\n}\n${more}\n`;
  }
}

/** Three servers that hold the streams together. */
export class NatsCluster {
  readonly #folder: string;
  readonly #ports: readonly number[];
  readonly #processes: ChildProcess[] = [];

  private constructor(folder: string, ports: readonly number[]) {
    this.#folder = folder;
    this.#ports = ports;
  }

  static async start(): Promise<NatsCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'notifications-nats-'));
    const ports = await Promise.all([freePort(), freePort(), freePort()]);
    const cluster = new NatsCluster(folder, ports);
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

  /** Of all servers, this one first. */
  servers(first: number): string[] {
    const all = this.#ports.map((port) => `127.0.0.1:${port}`);
    return [...all.slice(first), ...all.slice(0, first)];
  }

  kill(name: string): void {
    this.#processes[Number(name.slice(1))]?.kill('SIGKILL');
  }

  stop(): void {
    for (const process of this.#processes) process.kill('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #run(at: number): void {
    this.#processes[at] = spawn(BINARY, ['-c', join(this.#folder, `${at}.conf`)], { stdio: 'ignore' });
  }
}

/** Resolves when a server accepts connections. */
async function accepts(port: number): Promise<void> {
  for (const endsMs = Date.now() + START_MS; ;) {
    try {
      await (await connect({ servers: `127.0.0.1:${port}`, reconnect: false, timeout: 1_000 })).close();
      return;
    } catch (error) {
      if (Date.now() > endsMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
}

/** Servers before 2.10 do not know the option, and refuse to start with it. */
function synchronises(): boolean {
  const [, major = 0, minor = 0] = /v(\d+)\.(\d+)/.exec(execFileSync(BINARY, ['-v'], { encoding: 'utf8' })) ?? [];
  return Number(major) > 2 || Number(minor) >= 10;
}
