/**
 * The key by which an address is counted. For IPv4 it is the address. For IPv6 it is the first 64
 * bits, because one network usually assigns all of them to one customer (RFC 6177). Undefined
 * without an IP address, as behind a Unix socket.
 */
export function addressKey(ip: string | undefined): string | undefined {
  if (ip === undefined || ip === '') return undefined;
  // Some proxies add the port of the client's connection. With it, every connection would count as
  // another client.
  const withPort = /^(\d+\.\d+\.\d+\.\d+):\d+$|^\[([^\]]+)\](?::\d+)?$/.exec(ip);
  if (withPort) return addressKey(withPort[1] ?? withPort[2]);
  if (!/[:%]/.test(ip)) return ip;
  const [text = ''] = ip.split('%');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(text)?.[1];
  if (mapped !== undefined) return mapped;
  if (!text.includes(':')) return text === '' ? undefined : text;
  const [head = '', tail] = text.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const left = groups(head);
  const right = groups(tail ?? '');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const network = [...left, ...Array<string>(zeros).fill('0'), ...right].slice(0, 4);
  return `${network.map((group) => parseInt(group, 16).toString(16)).join(':')}::/64`;
}
