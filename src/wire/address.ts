import ipaddr from 'ipaddr.js';

/**
 * An IPv4 address with a port, or an IPv6 address in brackets. The port after the brackets is
 * optional.
 */
const WITH_PORT = /^(\d+\.\d+\.\d+\.\d+):\d+$|^\[([^\]]+)\](?::\d+)?$/;

/**
 * The key under which the requests of an address are counted. An IPv4 address is its own key, also
 * if it is written as an IPv6 address (`::ffff:192.0.2.1`). An IPv6 address counts by its first 64
 * bits: one customer usually has all addresses that share them (RFC 6177). A text that is not an
 * address is its own key. Undefined without an IP address, as behind a Unix socket.
 */
export function addressKey(ip: string | undefined): string | undefined {
  if (ip === undefined || ip === '') return undefined;
  // Some proxies add the port of the client's connection. If the port remained in the key, every
  // connection would count as another client.
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
