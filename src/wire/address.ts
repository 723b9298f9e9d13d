/**
 * By what an address is counted: an IPv4 address by itself, an IPv6 one by its first 64 bits, since whoever has one has all of
 * those (RFC 6177). Undefined for what is no address, as behind a Unix socket.
 */
export function addressKey(ip: string | undefined): string | undefined {
  if (ip === undefined || ip === '') return undefined;
  // Some proxies write the port of the client's connection, too, which would make every connection a client of its own.
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
