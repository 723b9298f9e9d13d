import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NatsConnection, connect } from '@nats-io/transport-node';
import { freePort } from '../free-port.js';

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

/** A server of its own with JetStream: on a free port of the loopback, with its data in a temporary folder. */
export class NatsServer {
  readonly port: number;
  readonly #folder: string;
  #process: ChildProcess | undefined;

  private constructor(port: number, folder: string) {
    this.port = port;
    this.#folder = folder;
  }

  static async start(config = ''): Promise<NatsServer> {
    const server = new NatsServer(await freePort(), mkdtempSync(join(tmpdir(), 'notifications-nats-')));
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
    return connect({ servers: this.servers, ...options });
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
    this.#process?.kill('SIGSTOP');
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

/** Servers before 2.10 do not know the option, and refuse to start with it. */
function synchronises(): boolean {
  const [, major = 0, minor = 0] = /v(\d+)\.(\d+)/.exec(execFileSync(BINARY, ['-v'], { encoding: 'utf8' })) ?? [];
  return Number(major) > 2 || Number(minor) >= 10;
}
