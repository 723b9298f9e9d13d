import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { requestText } from '../support/http/connection.js';
import type { Random } from '../support/random.js';
import { turn } from '../support/time/until.js';
import type { WatchedNode } from './watched-node.js';

/** The phase of a request in which a client leaves. */
export const PHASES = [
  'connecting',
  'half a request',
  'held poll',
  'open stream',
  'mid-response',
  'repeated poll',
] as const;
type Phase = (typeof PHASES)[number];

/**
 * Addresses to connect from: the ports of one are soon used up, as closed connections keep theirs
 * for a minute.
 */
const ADDRESSES = process.platform === 'linux' ? 20 : 1;
/** A moment in which a request gets somewhere, in turns of the client's event loop. */
const TURNS_MAX = 12;

/** Notifications that have to be there for a repeated poll. */
const FEW = 3;
const FEW_TOPIC = 'few';
/** The bytes of a replay, more than a socket accepts at once. */
const LARGE = 30;
const LARGE_BYTES = 16 * 1024;

const POLL = requestText({ path: '/notifications?topic=quiet,busy&wait=20' });
const STREAM = requestText({ path: '/notifications?topic=quiet,busy', headers: { Accept: 'text/event-stream' } });
const REPLAY = requestText({ path: '/notifications?topic=large&cursor=earliest&limit=1000' });

/** The notifications that the node needs for all phases. */
export async function prepare(node: Pick<WatchedNode, 'publish'>): Promise<void> {
  for (let count = 0; count < FEW; count++) await node.publish(FEW_TOPIC);
  for (let count = 0; count < LARGE; count++) await node.publish('large', LARGE_BYTES);
}

/** Clients that connect and leave, in every phase. */
export class Aborts {
  readonly done: Record<Phase, number> = {
    connecting: 0,
    'half a request': 0,
    'held poll': 0,
    'open stream': 0,
    'mid-response': 0,
    'repeated poll': 0,
  };
  readonly #port: number;
  readonly #random: Random;
  #count = 0;

  constructor(port: number, random: Random) {
    this.#port = port;
    this.#random = random;
  }

  /** So many, some of them at once. */
  async run(cycles: number, atOnce: number): Promise<void> {
    let left = cycles;
    const one = async (): Promise<void> => {
      while (left-- > 0) await this.cycle();
    };
    await Promise.all(Array.from({ length: atOnce }, one));
  }

  async cycle(): Promise<void> {
    const phase = this.#random.pick(PHASES);
    const localAddress = `127.0.0.${1 + (this.#count++ % ADDRESSES)}`;
    const socket = connect({ port: this.#port, host: '127.0.0.1', localAddress });
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined);
    if (phase !== 'connecting') {
      await once(socket, 'connect');
      await this.#begin(phase, socket);
    } else await turn(this.#random.below(2));
    this.#leave(socket);
    await closed;
    this.done[phase]++;
  }

  async #begin(phase: Exclude<Phase, 'connecting'>, socket: Socket): Promise<void> {
    switch (phase) {
      case 'half a request':
        socket.write(POLL.slice(0, this.#random.from(1, POLL.length - 1)));
        break;
      case 'held poll':
        socket.write(POLL);
        break;
      case 'open stream':
        socket.write(STREAM);
        if (this.#random.chance(0.8)) await once(socket, 'data');
        break;
      case 'mid-response':
        socket.write(REPLAY);
        // It is more than the sockets take, and nothing of the rest is.
        await once(socket, 'data');
        socket.pause();
        return;
      case 'repeated poll':
        await this.#repeat(socket);
        break;
    }
    await turn(this.#random.below(TURNS_MAX));
  }

  /**
   * Three polls have notifications. The third one can use the direct lane, if it is on, and the
   * fourth is held there.
   */
  async #repeat(socket: Socket): Promise<void> {
    const ask = (cursor: string): boolean =>
      socket.write(requestText({ path: `/notifications?cursor=${cursor}&topic=${FEW_TOPIC}&limit=1&wait=1` }));
    let cursor = 'earliest';
    for (let polls = 0; polls < FEW; polls++) {
      ask(cursor);
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      const next = /"cursor":"([^"]+)"/.exec(chunk.toString())?.[1];
      if (next === undefined) throw new Error(`no page: ${chunk.toString()}`);
      cursor = next;
    }
    ask(cursor);
  }

  #leave(socket: Socket): void {
    const how = this.#random.below(3);
    if (how === 0) socket.destroy();
    else if (how === 1) socket.resetAndDestroy();
    else {
      socket.end();
      // A client that ends in order still reads the answer.
      socket.resume();
      setImmediate(() => socket.destroy());
    }
  }
}
