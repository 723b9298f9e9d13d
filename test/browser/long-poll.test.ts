import { describe, expect, it, jest } from '@jest/globals';
import { LongPoll } from '../../src/demo/assets/long-poll.js';

interface Script {
  status?: number;
  headers?: Record<string, string>;
  body?: unknown;
}

const page = (cursor: string, ...ids: string[]): Script => ({
  body: { notifications: ids.map((id) => ({ id })), cursor, more: false },
});

/**
 * Runs a client against scripted answers, until it asks once more than there are or gives up.
 * Records its calls.
 */
async function run(...answers: (Script | Error)[]) {
  const asked: string[] = [];
  const pauses: number[] = [];
  const seen: string[] = [];
  const states: string[] = [];
  await new Promise<void>((resolve) => {
    const fetch = async (url: string) => {
      asked.push(url.replace('/n?topic=a&topic=b&', ''));
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      if (answer) return new Response(JSON.stringify(answer.body ?? {}), answer);
      client.disconnect();
      resolve();
      return new Promise<never>(() => undefined);
    };
    const pause = async (durationMs: number) => void pauses.push(durationMs);
    const listener = {
      onState: (state: string, detail = '') => {
        states.push(`${state} ${detail}`.trim());
        if (state === 'offline') resolve();
      },
      onNotification: (notification: object) => seen.push((notification as { id: string }).id),
      onGap: ({ reason }: { reason: string }) => seen.push(`gap ${reason}`),
      onCursor: () => undefined,
      onRequest: () => undefined,
    };
    const client = new LongPoll({ path: '/n', topics: ['a', 'b'], cursor: 'latest' }, listener, { fetch, pause });
    client.connect();
  });
  return { asked, pauses, seen, states };
}

describe('LongPoll', () => {
  it('sends a first poll without a wait, and then held polls with the last cursor', async () => {
    const { asked, seen, pauses } = await run(page('c1'), page('c2', '1', '2'), page('c3', '3'));
    expect(asked).toEqual(['cursor=latest&wait=0', 'cursor=c1&wait=25', 'cursor=c2&wait=25', 'cursor=c3&wait=25']);
    expect(seen).toEqual(['1', '2', '3']);
    expect(pauses).toEqual([]);
  });

  it('delivers a gap before the notifications that follow it', async () => {
    const gap = { body: { notifications: [{ id: '7' }], cursor: 'c9', more: false, gap: { reason: 'expired' } } };
    expect((await run(page('c1'), gap)).seen).toEqual(['gap expired', '7']);
  });

  it('keeps its cursor through failures, and reconnects with a poll that is not held', async () => {
    const { asked, pauses } = await run(page('c1'), new TypeError('fetch failed'), { status: 502 }, page('c2'));
    expect(asked).toEqual([
      'cursor=latest&wait=0',
      'cursor=c1&wait=25',
      'cursor=c1&wait=0',
      'cursor=c1&wait=0',
      'cursor=c2&wait=25',
    ]);
    expect(pauses).toHaveLength(2);
  });

  it('pauses for a random time up to a bound that doubles, at most 15 s', async () => {
    const random = jest.spyOn(Math, 'random').mockReturnValue(1);
    const { pauses } = await run(...Array.from({ length: 7 }, () => new TypeError('fetch failed')));
    random.mockRestore();
    expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
  });

  it('waits at least as long as Retry-After says', async () => {
    const { pauses } = await run({ status: 503, headers: { 'Retry-After': '7' } });
    expect(pauses[0]).toBeGreaterThanOrEqual(7_000);
    expect(pauses[0]).toBeLessThanOrEqual(7_500);
  });

  it('ends on an error that a retry cannot fix, and reports the reason', async () => {
    const { asked, states } = await run({ status: 400, body: { message: 'topic is wrong' } });
    expect(asked).toHaveLength(1);
    expect(states).toEqual(['connecting', 'offline 400 topic is wrong']);
  });
});
