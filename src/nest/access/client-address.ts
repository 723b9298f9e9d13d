import proxyAddr from 'proxy-addr';
import { addressKey } from '../../wire/address.js';
import { optionError, type TrustProxy } from '../options.js';
import type { FrameworkRequest } from '../http/raw-response.js';

/** Finds the key by which requests of one client are counted; see `addressKey`. */
export type ClientAddress = (request: FrameworkRequest) => string | undefined;

/**
 * With `trustProxy`, the address is the rightmost one of `X-Forwarded-For` that no trusted proxy has. Addresses to the left of it were
 * written by the client, and would let it pass for any number of others.
 *
 * @throws Error for an option that is not allowed
 */
export function clientAddress(trustProxy: TrustProxy | undefined): ClientAddress {
  if (trustProxy === undefined) return ({ ip, socket }) => addressKey(ip ?? socket?.remoteAddress);
  const trust = compile(trustProxy);
  return (request) => {
    // A closed connection has no address any more.
    if (request.socket?.remoteAddress === undefined) return undefined;
    return addressKey(proxyAddr(request as unknown as Parameters<typeof proxyAddr>[0], trust));
  };
}

/**
 * True if a request without an address came over TCP, so that its connection has closed. A Unix
 * socket has no addresses at all. Until Node processes a reset, the socket has a local address only.
 */
export function isClosed({ socket }: FrameworkRequest): boolean {
  return socket?.destroyed === true || socket?.localAddress !== undefined;
}

/** More proxies than any deployment has in a row; a number that is too high lets clients choose their address. */
const HOPS_MAX = 10;

function compile(trustProxy: TrustProxy): (address: string, hop: number) => boolean {
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
