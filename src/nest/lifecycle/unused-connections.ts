import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type IncomingMessage, Server as HttpServer } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { PublishContext } from '../context.js';
import { CLOSING_GRACE_MS } from '../http/closing-responses.js';
import { CONTEXT } from '../module/tokens.js';

/**
 * Connections that have not sent a request. Browsers open them in advance. When the server closes,
 * Node.js waits for each of them until `headersTimeout`, 60 s by default.
 */
@Injectable()
export class UnusedConnections implements OnApplicationBootstrap {
  readonly #context: PublishContext;
  readonly #adapterHost: HttpAdapterHost;
  /** The time on the clock at which each one opened. */
  readonly #unused = new Map<Socket, number>();
  /**
   * One listener for all connections. It removes the connection that emitted the event (`this`).
   */
  readonly #forget = forgetIn(this.#unused);
  #isClosing = false;

  constructor(@Inject(CONTEXT) context: PublishContext, @Inject(HttpAdapterHost) adapterHost: HttpAdapterHost) {
    this.#context = context;
    this.#adapterHost = adapterHost;
  }

  onApplicationBootstrap(): void {
    // An application context without HTTP has no adapter. Nest's type omits this case.
    const adapter = this.#adapterHost.httpAdapter as { getHttpServer(): unknown } | null;
    const server = adapter?.getHttpServer();
    // HTTP/2 is left out: its requests do not have the socket of the connection.
    if (!(server instanceof HttpServer || server instanceof HttpsServer)) return;
    const opened = server instanceof HttpsServer ? 'secureConnection' : 'connection';
    server.on(opened, (socket: Socket) => {
      this.#add(socket);
    });
    server.prependListener('request', ({ socket }: IncomingMessage) => {
      if (this.#unused.delete(socket)) socket.off('close', this.#forget);
    });
  }

  /**
   * Destroys unused connections, so that they do not delay the shutdown. Each connection has a
   * grace period after it has opened, because its first request may not have arrived yet.
   */
  close(): void {
    this.#isClosing = true;
    for (const [socket, openedAtMs] of this.#unused) this.#destroyAfterGrace(socket, openedAtMs);
  }

  #add(socket: Socket): void {
    const openedAtMs = this.#context.clock.monotonic();
    this.#unused.set(socket, openedAtMs);
    socket.once('close', this.#forget);
    if (this.#isClosing) this.#destroyAfterGrace(socket, openedAtMs);
  }

  #destroyAfterGrace(socket: Socket, openedAtMs: number): void {
    const { clock } = this.#context;
    const leftMs = openedAtMs + CLOSING_GRACE_MS - clock.monotonic();
    if (leftMs <= 0) {
      destroyUnused(socket);
      return;
    }
    const timer = clock.setTimeout(() => {
      if (this.#unused.has(socket)) destroyUnused(socket);
    }, leftMs);
    socket.once('close', () => {
      clock.clearTimeout(timer);
    });
  }
}

function forgetIn(sockets: Map<Socket, number>): (this: Socket) => void {
  return function () {
    sockets.delete(this);
  };
}

/** A request that asks for an upgrade, such as a WebSocket, causes no `request` event. */
function destroyUnused(socket: Socket): void {
  if (socket.bytesRead === 0) socket.destroy();
}
