import { connect, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import type { TestApp } from './app.js';
import { atTestEnd } from './cleanup.js';
import { Message } from './message.js';
import { within } from '../time/until.js';

export interface Request {
  readonly method?: string;
  /** Path and query. */
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/**
 * The server to connect to: an application, or a proxy in front of it. `isSecure`: over TLS, with
 * any certificate.
 */
export type Target = Pick<TestApp, 'port'> & { readonly isSecure?: boolean };

/**
 * One TCP connection that speaks HTTP/1.1. A test controls the bytes that it sends, and sees the
 * bytes that it receives.
 */
export class Connection {
  readonly socket: Socket;
  #rest: Buffer = Buffer.alloc(0);
  /**
   * Methods of the requests that are not answered yet: the answer to HEAD has no body, even with a
   * Content-Length.
   */
  readonly #methods: string[] = [];
  readonly #messages: Message[] = [];
  #taken = 0;
  readonly #watchers = new Set<() => void>();
  #closed = false;

  private constructor({ port, isSecure }: Target) {
    const address = { port, host: '127.0.0.1' };
    this.socket = isSecure ? connectSecurely({ ...address, rejectUnauthorized: false }) : connect(address);
    this.socket.setNoDelay(true);
    this.socket.on('data', (bytes) => {
      this.#onData(bytes);
    });
    // Tests cut connections on purpose. Code that waits on a connection sees its close.
    this.socket.on('error', () => undefined);
    const forget = atTestEnd(() => this.destroy());
    this.socket.on('close', () => {
      forget();
      this.#closed = true;
      this.#messages.at(-1)?.end();
      this.#notify();
    });
  }

  static async open(target: Target): Promise<Connection> {
    const connection = new Connection(target);
    const isOpen = target.isSecure ? 'secureConnect' : 'connect';
    await within(new Promise((resolve) => connection.socket.once(isOpen, resolve)), 'a connection');
    return connection;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Responses that have begun and that the test has not read. */
  get untaken(): number {
    return this.#messages.length - this.#taken;
  }

  /** Sends a whole request. */
  send(request: Request): void {
    this.#methods.push(request.method ?? 'GET');
    this.socket.write(requestText(request));
    if (request.body !== undefined) this.socket.write(request.body);
  }

  /** The next response's head; its body continues to arrive. */
  async head(): Promise<Message> {
    await this.when(() => this.#messages.length > this.#taken, 'the head of a response');
    return this.#messages[this.#taken++]!;
  }

  /** The next response, whole. */
  async response(): Promise<Message> {
    const message = await this.head();
    await this.when(() => message.complete, 'the end of a response');
    return message;
  }

  /** Checks the condition after each chunk and at the close, and resolves when it is true. */
  async when(condition: () => boolean, what: string): Promise<void> {
    if (condition()) return;
    let watcher = (): void => undefined;
    const holds = new Promise<void>((resolve, reject) => {
      watcher = (): void => {
        if (condition()) resolve();
        else if (this.#closed) reject(new Error(`the connection was closed before ${what}`));
      };
      this.#watchers.add(watcher);
      watcher();
    });
    await within(holds, what).finally(() => this.#watchers.delete(watcher));
  }

  async whenClosed(): Promise<void> {
    await this.when(() => this.#closed, 'the close of the connection');
  }

  destroy(): Promise<void> {
    this.socket.destroy();
    return this.whenClosed();
  }

  #onData(bytes: Buffer): void {
    this.#rest = this.#rest.length > 0 ? Buffer.concat([this.#rest, bytes]) : bytes;
    for (;;) {
      let message = this.#messages.at(-1);
      if (!message || message.complete) {
        const begun = Message.begin(this.#rest, this.#methods[0] ?? 'GET');
        if (!begun) break;
        if (begun.message.status >= 200) this.#methods.shift();
        this.#messages.push((message = begun.message));
        this.#rest = begun.rest;
      }
      this.#rest = message.push(this.#rest);
      if (!message.complete) break;
    }
    this.#notify();
  }

  #notify(): void {
    for (const watcher of [...this.#watchers]) watcher();
  }
}

/** The bytes of a request up to its body. */
export function requestText({ method = 'GET', path = '/notifications', headers = {}, body }: Request): string {
  const length = body === undefined ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  const lines = Object.entries({ Host: 'localhost', ...headers }).map(([name, value]) => `${name}: ${value}`);
  return [`${method} ${path} HTTP/1.1`, ...length, ...lines, '', ''].join('\r\n');
}

/** One request on a connection of its own. */
export async function request(target: Target, request: Request): Promise<Message> {
  const connection = await Connection.open(target);
  try {
    connection.send(request);
    return await connection.response();
  } finally {
    await connection.destroy();
  }
}
