import { connect, type Socket } from 'node:net';
import type { Protocol } from './protocols.js';

const HEAD_END = '\r\n\r\n';

/** Clients of one server, each on a connection of its own; every one of them is to get every notification once. */
export class Clients {
  /** Notifications got in the present cycle. */
  got = 0;
  lost = 0;
  doubled = 0;
  readonly #sockets: Socket[] = [];
  readonly #protocol: Protocol;
  readonly #isStream: boolean;
  #serial = 0;
  #expected = 0;
  #all = (): void => undefined;

  private constructor(protocol: Protocol, isStream: boolean) {
    this.#protocol = protocol;
    this.#isStream = isStream;
  }

  static async open(port: number, count: number, protocol: Protocol, isStream: boolean): Promise<Clients> {
    const clients = new Clients(protocol, isStream);
    for (let index = 0; index < count; index++) await clients.#open(port);
    return clients;
  }

  /** Begins a cycle; resolves when everybody has its notification, and has asked again. */
  cycle(serial: number, withinMs: number): Promise<void> {
    this.#serial = serial;
    this.got = 0;
    this.#expected = this.#sockets.length;
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.lost += this.#expected - this.got;
        resolve();
      }, withinMs);
      this.#all = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async #open(port: number): Promise<void> {
    const socket = connect(port, '127.0.0.1');
    socket.setNoDelay(true).setEncoding('latin1');
    socket.on('error', () => undefined);
    await new Promise((resolve) => socket.once('connect', resolve));
    this.#sockets.push(socket);
    const { poll, stream, cursorOf } = this.#protocol;
    const path = this.#isStream ? stream : poll?.(undefined);
    const accept = this.#isStream ? 'text/event-stream' : 'application/json';
    const send = (target: string): void => {
      socket.write(`GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: ${accept}\r\n\r\n`);
    };
    let rest = '';
    let seen = -1;
    socket.on('data', (text: string) => {
      rest += text;
      if (!this.#isStream && !isWhole(rest)) return;
      for (const [, serial] of rest.matchAll(/"serial":(\d+)/g)) {
        if (Number(serial) !== this.#serial || seen === this.#serial) this.doubled++;
        seen = Number(serial);
        this.got++;
      }
      // Of a stream, a block that is cut in two is counted when it is whole.
      const answer = rest;
      rest = this.#isStream ? rest.slice(rest.lastIndexOf('\n') + 1) : '';
      if (!this.#isStream) send(poll?.(cursorOf?.(answer)) ?? '');
      if (this.got === this.#expected) this.#all();
    });
    send(path ?? '');
  }
}

function isWhole(answer: string): boolean {
  const end = answer.indexOf(HEAD_END);
  if (end < 0) return false;
  const length = /content-length: (\d+)/i.exec(answer.slice(0, end + 2))?.[1];
  if (length === undefined) return answer.endsWith('0\r\n\r\n');
  return answer.length >= end + HEAD_END.length + Number(length);
}
