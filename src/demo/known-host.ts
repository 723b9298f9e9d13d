import { ForbiddenException } from '@nestjs/common';
import { isIP } from 'node:net';
import { hostname } from 'node:os';

interface HostRequest {
  readonly headers: { readonly host?: string | undefined };
}

/**
 * Refuses requests for a host name that does not belong to this machine. This server is public to
 * every client that can connect. A page on the internet can connect through a browser on this
 * machine, if the page's host name resolves to this address (DNS rebinding). The request then
 * contains that host name.
 *
 * @param host the address that the server listens on
 */
export function refuseUnknownHosts(host: string): (request: HostRequest, response: unknown, next: () => void) => void {
  const machine = hostname().toLowerCase();
  const names = new Set(['localhost', host.toLowerCase(), machine, `${machine}.local`]);
  return ({ headers }, _, next) => {
    const name = hostName(headers.host ?? '');
    if (isIP(name) === 0 && !names.has(name)) {
      throw new ForbiddenException(`This demo serves only the names of this machine, not ${JSON.stringify(name)}.`);
    }
    next();
  };
}

/** Removes the port and the brackets (RFC 9110, 7.2). */
function hostName(host: string): string {
  return host
    .toLowerCase()
    .replace(/:\d*$/, '')
    .replace(/^\[(.*)\]$/, '$1');
}
