import { describe, expect, test } from '@jest/globals';
import { LogState } from '../../src/stores/redis/log-state.js';
import { ManualClock } from '../../src/testing/index.js';

const MAY_RENEW = 6;
const behind = (): Error => new Error('NNBEHIND The engine has an older log than this node has seen, or none.');
const reply = (era: number, id: string, { position = 5, replicas = 0, before = '' } = {}): unknown[] => [
  ...[era, id, `secret of ${id}`, position, `token ${position}`, 0, replicas, before],
];
const open = (clock = new ManualClock()): LogState => new LogState({ clock, waitReplicas: 0 });

describe('the state of the log in a node of redisStore', () => {
  test('two calls never offer the same new epoch', () => {
    const state = open();
    const [first, second] = [state.args(), state.args()];
    expect(first[4]).not.toBe(second[4]);
    expect(first[5]).not.toBe(second[5]);
  });

  test('an engine that is behind is waited for, for 20 seconds, if the log has had replicas', async () => {
    const clock = new ManualClock();
    const state = open(clock);
    state.learn(reply(2, 'b', { replicas: 1 }));
    expect(state.args()[MAY_RENEW]).toBe(0);
    state.failed(behind());
    await clock.advance(19_999);
    state.failed(behind());
    expect(state.args()[MAY_RENEW]).toBe(0);
    await clock.advance(1);
    expect(state.args()[MAY_RENEW]).toBe(1);
    state.learn(reply(3, 'c'));
    expect(state.isBehind).toBe(false);
    expect(state.args()[MAY_RENEW]).toBe(0);
  });

  test('without replicas there is no other engine to wait for', () => {
    const state = open();
    state.learn(reply(1, 'a'));
    expect(state.args()[MAY_RENEW]).toBe(1);
  });

  test('a late reply of an earlier epoch changes nothing, and keeps its own past', () => {
    const state = open();
    state.learn(reply(1, 'a', { before: 'z secret 3 0' }));
    state.learn(reply(2, 'b', { before: 'a secret 5 1\nz secret 3 1' }));
    const { epoch } = state.learn(reply(1, 'a', { position: 9 }));
    expect(epoch.before).toEqual([{ id: 'z', secret: 'secret', upTo: 3, lost: false }]);
    expect(state.args().slice(0, 4)).toEqual([2, 'b', 5, 'token 5']);
    expect(state.learn(reply(2, 'b')).epoch.before).toHaveLength(2);
  });
});
