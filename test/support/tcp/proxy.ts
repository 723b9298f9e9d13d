import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type Fault, type FaultKind, NO_FAULT } from './faults.js';
import { Link } from './link.js';

/**
 * A proxy on the loopback between a client and a node, or between a node and its engine.
 */
export class TcpProxy {
  /** Bytes from the server. */
  bytesOut = 0;
  /** The target of new connections. */
  targetPort: number;
  /** The number of connections with each fault. */
  readonly suffered = new Map<FaultKind, number>();
  readonly #server: Server;
  readonly #links = new Set<Link>();
  #nextFault: () => Fault;

  private constructor(server: Server, targetPort: number, nextFault: () => Fault) {
    this.#server = server;
    this.targetPort = targetPort;
    this.#nextFault = nextFault;
  }

  /** Forwards everything, unless each connection has a fault. */
  static async start(targetPort: number, nextFault: () => Fault = () => NO_FAULT): Promise<TcpProxy> {
    const server = createServer({ allowHalfOpen: true });
    const proxy = new TcpProxy(server, targetPort, nextFault);
    server.on('connection', (near: Socket) => {
      proxy.#join(near);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#links.size;
  }

  /** New connections get these faults. */
  faults(nextFault: () => Fault): void {
    this.#nextFault = nextFault;
  }

  /** Resets every connection at once. */
  cut(): void {
    for (const link of this.#links) link.reset();
  }

  /**
   * Later connections have no faults; connections with faults are reset.
   */
  heal(): void {
    this.faults(() => NO_FAULT);
    for (const link of this.#links) if (link.fault.kind !== 'none') link.reset();
  }

  async stop(): Promise<void> {
    this.cut();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(near: Socket): void {
    const fault = this.#nextFault();
    const link = new Link(near, { port: this.targetPort, fault });
    link.onSuffered = () => this.suffered.set(fault.kind, (this.suffered.get(fault.kind) ?? 0) + 1);
    link.onDown = (bytes) => (this.bytesOut += bytes);
    link.onClosed = () => this.#links.delete(link);
    this.#links.add(link);
  }
}
