import { connect, type Socket } from 'node:net';
import type { Direction, Fault } from './faults.js';

/** One connection through the proxy, and what happens to it. */
export class Link {
  readonly fault: Fault;
  onSuffered = (): unknown => undefined;
  onDown = (_bytes: number): unknown => undefined;
  onClosed = (): unknown => undefined;
  readonly #sockets = new Set<Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** The sockets that are not read until a timer ends. */
  readonly #held = new Set<Socket>();
  #suffered = false;

  constructor(near: Socket, { port, fault }: { readonly port: number; readonly fault: Fault }) {
    this.fault = fault;
    this.#own(near);
    if (fault.kind === 'deaf') {
      near.resume().once('end', () => near.end());
      this.#later(() => this.#suffer(), 0);
      return;
    }
    const far = this.#own(dial(port));
    this.#pass('up', near, far);
    this.#pass('down', far, near);
    if (fault.kind === 'twin' || fault.kind === 'echo') this.#twin(near, port);
  }

  reset(): void {
    for (const socket of this.#sockets) {
      // A socket that is ending already cannot be reset.
      if (!socket.writableEnded) socket.resetAndDestroy();
      // Without this, `end` waits until the other side has read everything.
      socket.destroy();
    }
  }

  /** All sockets of a connection close together, and in the same way. */
  #own(socket: Socket): Socket {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => this.reset());
    socket.on('close', () => {
      this.#sockets.delete(socket);
      for (const timer of this.#timers) clearTimeout(timer);
      this.#end();
      if (this.#sockets.size === 0) this.onClosed();
    });
    return socket;
  }

  #end(): void {
    for (const socket of this.#sockets) socket.destroySoon();
  }

  /** Forwards the bytes of one direction, and applies the faults. */
  #pass(direction: Direction, from: Socket, to: Socket): void {
    const { fault } = this;
    let left = 'afterBytes' in fault && fault.direction === direction ? fault.afterBytes : Infinity;
    from.on('data', (chunk: Buffer) => {
      if (direction === 'down') this.onDown(chunk.length);
      if (fault.kind === 'delay') {
        this.#hold(from, to, { chunk, ms: fault.ms });
        return;
      }
      const before = chunk.subarray(0, left);
      const rest = chunk.subarray(before.length);
      left -= before.length;
      this.#write(from, to, before);
      if (rest.length === 0) return;
      this.#suffer();
      if (fault.kind === 'stall') {
        left = Infinity;
        this.#hold(from, to, { chunk: rest, ms: fault.ms });
      } else if (fault.kind === 'cut') {
        if (fault.by === 'reset') this.reset();
        else this.#end();
      }
    });
    // If bytes are lost, the end behind them is lost too. The `end` event may arrive while bytes
    // are held, although the socket is paused.
    from.on('end', () => left > 0 && !this.#held.has(from) && to.end());
  }

  #write(from: Socket, to: Socket, bytes: Buffer): void {
    if (bytes.length === 0 || !to.writable || to.write(bytes)) return;
    from.pause();
    to.once('drain', () => this.#held.has(from) || from.resume());
  }

  /** Forwards a chunk after a delay, and reads no more until then. */
  #hold(from: Socket, to: Socket, { chunk, ms }: { readonly chunk: Buffer; readonly ms: number }): void {
    this.#suffer();
    this.#held.add(from.pause());
    this.#later(() => {
      this.#held.delete(from.resume());
      this.#write(from, to, chunk);
      if (from.readableEnded) to.end();
    }, ms);
  }

  /** The twin's errors do not affect the connection. */
  #twin(near: Socket, port: number): void {
    const twin = dial(port).resume();
    twin.on('error', () => undefined);
    twin.once('connect', () => this.#suffer());
    if (this.fault.kind === 'echo') near.on('data', (chunk: Buffer) => twin.writable && twin.write(chunk));
    near.once('close', () => twin.destroy());
  }

  #later(task: () => void, ms: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      task();
    }, ms);
    this.#timers.add(timer);
  }

  #suffer(): void {
    if (!this.#suffered) this.onSuffered();
    this.#suffered = true;
  }
}

function dial(port: number): Socket {
  return connect({ port, host: '127.0.0.1', allowHalfOpen: true });
}
