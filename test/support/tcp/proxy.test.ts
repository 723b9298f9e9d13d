import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Random } from '../random.js';
import { turn, until } from '../time/until.js';
import { type Fault, type FaultKind, NO_FAULT, seededFaults } from './faults.js';
import { TcpProxy } from './proxy.js';

/** The events that one side of a connection has seen. */
interface Side {
  readonly socket: Socket;
  text: string;
  ended: boolean;
  closed: boolean;
  error: string | undefined;
}

const STALL_MS = 150;
/** More bytes than sockets buffer for a peer that does not read. */
const MUCH = 64 * 1024 * 1024;

let server: Server;
let accepted: Side[];
let connected: Side[];
let proxy: TcpProxy;

/**
 * The client keeps its side open when the other side closes, so a test sees each close.
 */
function watch(socket: Socket): Side {
  const side: Side = { socket, text: '', ended: false, closed: false, error: undefined };
  socket.on('data', (chunk) => (side.text += chunk.toString()));
  socket.on('end', () => (side.ended = true));
  socket.on('error', ({ code }: NodeJS.ErrnoException) => (side.error = code));
  socket.on('close', () => (side.closed = true));
  return side;
}

function dial(): Side {
  const side = watch(connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true }));
  connected.push(side);
  return side;
}

/** The two sides of a new connection. The server side resolves when the proxy has connected. */
async function open(fault: Fault): Promise<{ near: Side; far: Side }> {
  proxy = await TcpProxy.start((server.address() as AddressInfo).port, () => fault);
  const near = dial();
  await once(near.socket, 'connect');
  if (fault.kind !== 'deaf') await until(() => accepted.length > 0);
  return { near, far: accepted[0]! };
}

describe('the proxy of the tests', () => {
  beforeEach(async () => {
    accepted = [];
    connected = [];
    server = createServer({ allowHalfOpen: true }, (socket) => accepted.push(watch(socket)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  afterEach(async () => {
    await proxy.stop();
    for (const { socket } of [...accepted, ...connected]) socket.destroy();
    server.close();
    await once(server, 'close');
  });

  test('forwards all bytes, supports half-open connections, and counts faults', async () => {
    const { near, far } = await open(NO_FAULT);
    near.socket.end('question');
    await until(() => far.ended);
    expect(far.text).toBe('question');
    expect(near.ended).toBe(false);
    far.socket.end('answer');
    await until(() => near.closed && proxy.connections === 0);
    expect([near.text, near.error, proxy.bytesOut, proxy.suffered.size]).toEqual(['answer', undefined, 6, 0]);
  });

  test('applies backpressure', async () => {
    const { near, far } = await open(NO_FAULT);
    far.socket.pause();
    near.socket.write(Buffer.alloc(MUCH));
    await turn(50);
    expect(near.socket.writableLength).toBeGreaterThan(MUCH / 2);
    far.socket.resume();
    await until(() => far.text.length === MUCH);
  });

  test('forwards a reset as a reset, and refuses a connection if no server listens', async () => {
    const { near, far } = await open(NO_FAULT);
    far.socket.resetAndDestroy();
    await until(() => near.closed && proxy.connections === 0);
    expect(near.error).toBe('ECONNRESET');
    proxy.targetPort = 1;
    const refused = dial();
    await until(() => refused.closed);
    expect(refused.error).toBe('ECONNRESET');
  });

  test.each(['end', 'reset'] as const)('cuts a connection after a number of bytes, by %s', async (by) => {
    const { near, far } = await open({ kind: 'cut', direction: 'up', afterBytes: 5, by });
    near.socket.write('123');
    await until(() => far.text === '123');
    near.socket.write('4567');
    await until(() => far.ended || far.closed);
    await until(() => near.ended || near.closed);
    // Bytes that arrive after a reset are lost.
    if (by === 'end') expect(far.text).toBe('12345');
    else expect(['123', '12345']).toContain(far.text);
    expect(near.error).toBe(by === 'end' ? undefined : 'ECONNRESET');
    near.socket.destroy();
    far.socket.destroy();
    await until(() => proxy.connections === 0);
  });

  test.each(['up', 'down'] as const)('stalls %s for a while, and the other direction continues', async (direction) => {
    const { near, far } = await open({ kind: 'stall', direction, afterBytes: 2, ms: STALL_MS });
    const [from, to] = direction === 'up' ? [near, far] : [far, near];
    const sentMs = performance.now();
    from.socket.write('abcd');
    from.socket.end('ef');
    to.socket.write('other');
    await until(() => from.text === 'other');
    await until(() => to.text === 'abcdef' && to.ended);
    expect(performance.now() - sentMs).toBeGreaterThan(STALL_MS - 10);
  });

  test('delays every piece', async () => {
    const { near, far } = await open({ kind: 'delay', ms: STALL_MS });
    const sentMs = performance.now();
    near.socket.write('question');
    await until(() => far.text === 'question');
    far.socket.write('answer');
    await until(() => near.text === 'answer');
    expect(performance.now() - sentMs).toBeGreaterThan(2 * STALL_MS - 20);
  });

  test('drops the bytes after an offset and the end, and notifies neither side', async () => {
    const { near, far } = await open({ kind: 'drop', direction: 'up', afterBytes: 3 });
    near.socket.end('abcdef');
    far.socket.write('other');
    await until(() => near.text === 'other' && far.text === 'abc');
    await turn(50);
    expect([near.closed, far.ended, far.closed]).toEqual([false, false, false]);
  });

  test('accepts, and never answers', async () => {
    const { near } = await open({ kind: 'deaf' });
    near.socket.write('question');
    await until(() => proxy.suffered.get('deaf') === 1);
    await turn(50);
    expect([near.text, near.closed, accepted.length]).toEqual(['', false, 0]);
    near.socket.end();
    await until(() => proxy.connections === 0);
  });

  test.each(['twin', 'echo'] as const)('opens a second connection, its %s', async (kind) => {
    const { near } = await open({ kind });
    near.socket.write('question');
    await until(() => accepted.length === 2 && accepted.some(({ text }) => text === 'question'));
    if (kind === 'echo') await until(() => accepted.every(({ text }) => text === 'question'));
    for (const { socket, text } of accepted) socket.end(text === '' ? 'nothing' : 'answer');
    await until(() => near.ended);
    expect(near.text).toBe('answer');
    near.socket.destroy();
    await until(() => accepted.every(({ ended, closed }) => ended || closed));
  });

  test('after `heal`, connections with faults are reset, and new connections have no faults', async () => {
    const { near } = await open({ kind: 'deaf' });
    proxy.heal();
    await until(() => near.closed);
    const healthy = dial();
    healthy.socket.write('question');
    await until(() => accepted[0]?.text === 'question');
    proxy.cut();
    await until(() => healthy.closed);
  });
});

test('a seed determines the fault of each connection, and all kinds of faults occur', () => {
  const kinds = ['delay', 'cut', 'stall', 'drop', 'deaf', 'twin', 'echo'] as const;
  const of = (seed: number): Fault[] => {
    const options = { probability: 0.5, bytesMax: 1_000, msMax: 500, kinds };
    const next = seededFaults({ ...options, random: new Random(seed) });
    return Array.from({ length: 200 }, next);
  };
  expect(of(1)).toEqual(of(1));
  expect(of(1)).not.toEqual(of(2));
  expect(new Set(of(1).map(({ kind }) => kind))).toEqual(new Set<FaultKind>(['none', ...kinds]));
});
