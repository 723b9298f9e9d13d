import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { folder } from '../../examples/shop/scripts/prepare.mjs';
import { freePort } from '../support/free-port.js';
import { until } from '../support/time/until.js';

/** The built shop in a process, on one port across restarts. */
export class ShopServer {
  readonly url: string;
  readonly #port: number;
  readonly #data = mkdtempSync(join(tmpdir(), 'nest-notifications-shop-'));
  readonly #env: Readonly<Record<string, string>>;
  #child: ChildProcessByStdio<null, Readable, Readable> | undefined;
  #stdout = '';
  #stderr = '';

  private constructor(port: number, env: Readonly<Record<string, string>>) {
    this.#port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.#env = env;
  }

  static async start(env: Readonly<Record<string, string>>): Promise<ShopServer> {
    const server = new ShopServer(await freePort(), env);
    await server.startAgain();
    return server;
  }

  async startAgain(): Promise<void> {
    const { PATH = '' } = process.env;
    const env = { PATH, PORT: String(this.#port), DATA_FOLDER: this.#data, DELIVERY_SECONDS: '0', ...this.#env };
    const main = join(folder, 'dist/server/main.js');
    const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    this.#stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    await until(() => this.#stdout.includes('Ctrl-C ends.') || child.exitCode !== null);
    if (child.exitCode !== null) throw new Error(`the shop has ended: ${this.#stderr}`);
  }

  /** Stops the shop gracefully. Resolves with its exit code and its error output. */
  async stop(): Promise<{ code: number | null; stderr: string }> {
    const child = this.#child;
    this.#child = undefined;
    if (!child) return { code: null, stderr: this.#stderr };
    const closed = once(child, 'close');
    child.kill('SIGTERM');
    const [code] = (await closed) as [number | null];
    return { code, stderr: this.#stderr };
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.#data, { recursive: true });
  }
}
