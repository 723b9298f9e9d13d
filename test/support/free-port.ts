import { once } from 'node:events';
import { createServer } from 'node:net';
import { Random } from './random.js';

/**
 * These ports are below the ports that Linux gives to outgoing connections (from 32,768). One of
 * those can be in use by a client of another suite when a test restarts its server on the same
 * port. Redis Cluster also uses the port 10,000 above each of its ports.
 */
const PORT_MIN = 10_100;
const PORT_MAX = 22_000;

const random = new Random(process.pid + Date.now());

/** A loopback port that is not in use, and that no client gets while a test restarts its server. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = random.from(PORT_MIN, PORT_MAX);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
