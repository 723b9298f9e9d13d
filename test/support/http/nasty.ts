import type { Random } from '../random.js';

/** Texts that often break parsers, loggers, caches and line protocols. */
export const NASTY_TEXTS: readonly string[] = [
  '',
  ' ',
  '0',
  '-1',
  '1e9',
  '9'.repeat(30),
  'NaN',
  'null',
  'true',
  '%',
  '%zz',
  '%00',
  '%0d%0aSet-Cookie:%20a=b',
  '%C0%AF',
  '%ED%A0%80',
  '..%2f..%2fetc',
  '%E2%80%A8',
  '\u00e4\u{1f600}',
  '__proto__',
  'constructor',
  'toString',
  '$revocations',
  '*',
  '>',
  'a b',
  "' OR 1=1 --",
  '{"a":1}',
  '[]',
  'x'.repeat(300),
  ','.repeat(200),
  'a,'.repeat(80),
  '&&==&',
  '<script>',
  'earliest',
  'latest',
];

const PARAMETERS = ['topic', 'cursor', 'wait', 'limit', 'lastEventId', 'last_event_id', 'Topic', 'topic[]', 'x', ''];
const HEADERS: readonly [name: string, values: readonly string[]][] = [
  ['Accept', ['*/*', 'text/html', 'text/event-stream', 'application/json;q=0', ';;;', 'text/event-stream;q=x', '']],
  ['Last-Event-ID', ['', 'x', '0', 'earliest']],
  ['Prefer', ['wait=1', 'wait=-1', 'wait=99999999999', 'respond-async, wait="0"', 'wait']],
  ['Idempotency-Key', ['', '"k"', 'k', 'x'.repeat(300), 'a b', '"']],
  ['X-Forwarded-For', ['1.2.3.4', 'x, y', '::1']],
  ['Origin', ['null', 'https://evil.example']],
  ['X-HTTP-Method-Override', ['DELETE', 'POST']],
];

/** Changes some characters of a text. */
export function mutated(text: string, random: Random): string {
  let result = text;
  for (let times = 1 + random.below(4); times > 0; times--) {
    const at = random.below(result.length + 1);
    const cut = random.below(4);
    const piece = random.pick(['', 'A', '-', '_', '=', '\u0000', '%', random.pick(NASTY_TEXTS)]);
    result = result.slice(0, at) + piece + result.slice(at + cut);
  }
  return result;
}

/** A lone surrogate cannot be encoded in a URL. */
function encodeWellFormed(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString());
}

/** A query of the feed with valid and invalid parameters. */
export function nastyQuery(random: Random, cursor: string): string {
  const parts = Array.from({ length: random.below(5) }, () => {
    const name = random.below(3) > 0 ? random.pick(PARAMETERS) : random.pick(NASTY_TEXTS);
    const value = random.pick([
      () => random.pick(NASTY_TEXTS),
      () => cursor,
      () => mutated(cursor, random),
      () => String(random.below(3)),
      () => 'orders',
    ])();
    const encode = random.below(4) > 0 ? encodeWellFormed : (text: string) => text.replace(/[^!-~]/g, '?');
    return `${encode(name)}=${encode(value)}`;
  });
  return parts.join('&');
}

export function nastyHeaders(random: Random, cursor: string): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, values] of HEADERS) if (random.below(4) === 0) headers[name] = random.pick(values);
  if (random.below(6) === 0) headers['Last-Event-ID'] = mutated(cursor, random).replace(/[^!-~]/g, '');
  return headers;
}

/** A body to publish with valid and invalid fields. */
export function nastyBody(random: Random): Buffer {
  const text = (): string => random.pick(NASTY_TEXTS);
  const value = (depth: number): unknown =>
    random.pick<() => unknown>([
      () => text(),
      () => random.below(1e9) * (random.below(2) - 0.5),
      () => null,
      () => (depth > 0 ? [value(depth - 1), value(depth - 1)] : true),
      () => (depth > 0 ? { [text()]: value(depth - 1), data: value(depth - 1) } : false),
      () => '\ud800',
      () => 'a\u2028b\nid: x\n\ndata: forged\r\n\0',
    ])();
  const item = (): Record<string, unknown> => ({
    topic: random.below(3) > 0 ? 'orders' : value(1),
    type: random.below(3) > 0 ? 'fuzzed' : value(1),
    ...(random.below(2) > 0 && { data: value(4) }),
    ...(random.below(3) === 0 && { id: value(0) }),
    ...(random.below(8) === 0 && { [text()]: value(1) }),
  });
  const json = random.pick<() => string>([
    () => JSON.stringify(item()),
    () => JSON.stringify(Array.from({ length: random.below(5) }, item)),
    () => mutated(JSON.stringify(item()), random),
    () => '['.repeat(1 + random.below(5_000)),
    () => `{"topic":"orders","type":"t","data":${'{"a":'.repeat(200)}1${'}'.repeat(200)}}`,
    () => `{"__proto__":{"polluted":true},"topic":"orders","type":"t"}`,
    () => text(),
  ])();
  const bytes = Buffer.from(json);
  if (random.below(8) === 0 && bytes.length > 2) bytes[random.below(bytes.length)] = 0x80 + random.below(0x80);
  return bytes;
}

/** The bytes of a request, some of them wrong. */
export function nastyRequest(random: Random, cursor: string): Buffer {
  const query = nastyQuery(random, cursor).replace(/[^!-~]/g, '');
  const get = `GET /notifications?topic=orders&wait=0&${query} HTTP/1.1\r\nHost: x\r\n\r\n`;
  const body = '{"topic":"orders","type":"t"}';
  const post = (headers: string): string =>
    `POST /notifications HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${headers}\r\n${body}`;
  const text = random.pick<() => string>([
    () => get,
    () => get + get + get,
    () => mutated(get, random),
    () => get.slice(0, random.below(get.length)),
    () => get.replace('HTTP/1.1', random.pick(['HTTP/1.0', 'HTTP/2.0', 'HTTP/9.9', 'http/1.1', ''])),
    () =>
      get.replace('GET', random.pick(['HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'PATCH', 'get', 'PRI', 'CONNECT'])),
    () =>
      get.replace(
        '/notifications',
        random.pick(['//notifications', '/%6eotifications', 'http://x/notifications', '*']),
      ),
    () => get.replace('Host: x', random.pick(['', 'Host: x\r\nHost: y', ' Host: x', 'Host : x', 'Host: x\r\n folded'])),
    () => get.replace('Host: x', `Host: x\r\nX: ${'y'.repeat(random.below(40_000))}`),
    () => post(`Content-Length: ${body.length}\r\n`),
    () => post(`Content-Length: ${body.length}\r\nTransfer-Encoding: chunked\r\n`),
    () => post(`Content-Length: ${random.below(100)}\r\n`),
    () => post('Content-Length: -1\r\n'),
    () => post('Transfer-Encoding: chunked\r\n'),
    () => post('Expect: 100-continue\r\nContent-Length: 29\r\n'),
    () => mutated(post(`Content-Length: ${body.length}\r\n`), random),
  ])();
  return Buffer.from(text, 'latin1');
}
