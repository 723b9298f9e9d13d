import proxyAddr from 'proxy-addr';
import { addressKey } from '../../wire/address.js';
import type { NotificationsOptions } from '../options.js';
import { optionError } from '../settings.js';
import type { FrameworkRequest } from '../http/raw-response.js';

/** Returns the key under which the requests of one client are counted; see `addressKey`. */
export type ClientAddress = (request: FrameworkRequest) => string | undefined;

/**
 * With `trustProxy`, the address is the rightmost one in `X-Forwarded-For` that belongs to no
 * trusted proxy. The client can write any addresses to the left of it, so those are not used.
 *
 * @throws Error for an option that is not allowed
 */
export function clientAddress(trustProxy: NotificationsOptions['trustProxy']): ClientAddress {
  if (trustProxy === undefined) return ({ ip, socket }) => addressKey(ip ?? socket?.remoteAddress);
  const trust = compile(trustProxy);
  return (request) => {
    // A closed connection has no address.
    if (request.socket?.remoteAddress === undefined) return undefined;
    return addressKey(proxyAddr(request as unknown as Parameters<typeof proxyAddr>[0], trust));
  };
}

/**
 * For a request without an address: true if its connection has closed. After a TCP reset, a socket
 * has only a local address until Node.js processes the reset. A Unix socket has no addresses, so it
 * does not count as closed.
 */
export function isClosed({ socket }: FrameworkRequest): boolean {
  return socket?.destroyed === true || socket?.localAddress !== undefined;
}

/**
 * The highest number of proxies. No deployment has more in a row. If the number is too high,
 * clients can choose their address.
 */
const HOPS_MAX = 10;

function compile(
  trustProxy: NonNullable<NotificationsOptions['trustProxy']>,
): (address: string, hop: number) => boolean {
  const rule = `must be a number of proxies from 1 to ${HOPS_MAX}, or the addresses of proxies, as in ["loopback", "10.0.0.0/8"]`;
  if (typeof trustProxy === 'number' && Number.isInteger(trustProxy) && trustProxy >= 1 && trustProxy <= HOPS_MAX) {
    return (_, hop) => hop < trustProxy;
  }
  const given = typeof trustProxy === 'string' ? trustProxy.split(',').map((address) => address.trim()) : trustProxy;
  if (!Array.isArray(given) || given.length === 0) throw optionError('trustProxy', trustProxy, rule);
  try {
    return proxyAddr.compile(given as string[]);
  } catch {
    throw optionError('trustProxy', trustProxy, rule);
  }
}
