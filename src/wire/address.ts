import ipaddr from 'ipaddr.js';

/** An IPv4 address with a port, or an IPv6 address in brackets, which may have one. */
const WITH_PORT = /^(\d+\.\d+\.\d+\.\d+):\d+$|^\[([^\]]+)\](?::\d+)?$/;

/**
 * The key by which an address is counted. For IPv4 it is the address, also if it is mapped into
 * IPv6. For IPv6 it is the first 64 bits, because one network usually assigns all of them to one
 * customer (RFC 6177). Undefined without an IP address, as behind a Unix socket. A text that is no
 * address is its own key.
 */
export function addressKey(ip: string | undefined): string | undefined {
  if (ip === undefined || ip === '') return undefined;
  // Some proxies add the port of the client's connection. With it, every connection would count as
  // another client.
  const withPort = WITH_PORT.exec(ip);
  const text = withPort?.[1] ?? withPort?.[2] ?? ip;
  // A zone (`%eth0`) names an interface of this machine.
  const [address = ''] = text.split('%');
  if (!ipaddr.isValid(address)) return address === '' ? undefined : address;
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  const network = parsed.parts.slice(0, 4).map((group) => group.toString(16));
  return `${network.join(':')}::/64`;
}
