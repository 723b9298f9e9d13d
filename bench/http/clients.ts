import { connect, type Socket } from 'node:net';
import type { Protocol } from './protocols.js';

const HEAD_END = '\r\n\r\n';

/** The actions of a server's clients. */
export interface Audience {
  readonly count: number;
  readonly protocol: Protocol;
  readonly isStream?: boolean;
  /** Clients connect at the start, and send their first poll in `catchUp`. */
  readonly pollsOnDemand?: boolean;
  /** The topics of each client. */
  readonly topicsOf?: (index: number) => readonly string[];
}

/** Clients of one server, each on a connection of its own. */
export class Clients {
  /** Notifications received in the current cycle. */
  received = 0;
  lost = 0;
  doubled = 0;
  /** All answers received so far. */
  answers = 0;
  readonly #audience: Audience;
  readonly #asking: ((cursor: string | undefined) => void)[] = [];
  readonly #sockets: Socket[] = [];
  #first = 0;
  #expected = 0;
  #cursor: string | undefined;
  #all = (): void => undefined;

  private constructor(audience: Audience) {
    this.#audience = audience;
  }

  static async open(port: number, audience: Audience): Promise<Clients> {
    const clients = new Clients(audience);
    await clients.join(port, audience.count);
    return clients;
  }

  /** Connects `count` more clients, one after another. */
  async join(port: number, count: number): Promise<void> {
    for (let left = count; left > 0; left--) await this.#open(port, this.#sockets.length);
  }

  /**
   * Begins a cycle in which each client receives `count` notifications. Resolves when `clients`
   * clients have received all of them and polled again.
   */
  cycle(first: number, count: number, withinMs: number, clients = this.#sockets.length): Promise<void> {
    this.#first = first;
    this.received = 0;
    this.#expected = clients * count;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.lost += this.#expected - this.received;
        resolve();
      }, withinMs);
      this.#all = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /**
   * Makes every client poll once from this cursor. For clients with `pollsOnDemand`. Resolves when
   * all are answered.
   */
  catchUp(cursor: string, count: number, withinMs: number): Promise<void> {
    this.#cursor = cursor;
    const all = this.cycle(1, count, withinMs);
    for (const ask of this.#asking) ask(cursor);
    return all;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async #open(port: number, index: number): Promise<void> {
    const socket = connect(port, '127.0.0.1');
    socket.setNoDelay(true).setEncoding('latin1');
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('connect', resolve));
    this.#sockets.push(socket);
    const { protocol, isStream, topicsOf, pollsOnDemand } = this.#audience;
    const { poll, stream, cursorOf } = protocol;
    const topics = topicsOf?.(index) ?? ['orders'];
    const accept = isStream ? 'text/event-stream' : 'application/json';
    const ask = (cursor: string | undefined): void => {
      const target = isStream ? stream : poll?.(topics, cursor);
      socket.write(`GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: ${accept}\r\n\r\n`);
    };
    this.#asking.push(ask);
    let rest: string[] = [];
    let seen = 0;
    socket.on('data', (text: string) => {
      rest.push(text);
      const whole = rest.length === 1 ? text : rest.join('');
      if (!isStream && !isWhole(whole)) return;
      this.answers++;
      // A block that arrives in two parts is counted when it is complete.
      rest = isStream ? [whole.slice(whole.lastIndexOf('\n') + 1)] : [];
      for (const [, serial] of whole.matchAll(/"serial":(\d+)/g)) {
        const number = Number(serial);
        if (number < this.#first || number <= seen) this.doubled++;
        seen = number;
        this.received++;
      }
      if (this.#cursor !== undefined) seen = 0;
      else if (!isStream) ask(cursorOf?.(whole));
      if (this.received === this.#expected) this.#all();
    });
    if (!pollsOnDemand) ask(undefined);
  }
}

function isWhole(answer: string): boolean {
  const end = answer.indexOf(HEAD_END);
  if (end < 0) return false;
  const length = /content-length: (\d+)/i.exec(answer.slice(0, end + 2))?.[1];
  if (length === undefined) return answer.endsWith('0\r\n\r\n');
  return answer.length >= end + HEAD_END.length + Number(length);
}
