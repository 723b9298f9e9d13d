import { describe, expect, test } from '@jest/globals';
import type { AccessRules } from '../../src/nest/access/access.js';
import { AccessPolicy } from '../../src/nest/access/access-policy.js';

const policy = (access?: unknown) => new AccessPolicy(access as 'public' | AccessRules | undefined);
const context = { request: {}, subscriber: 'ann' };

describe('access', () => {
  test.each([
    ['open', `option access is the string "open"; it must be 'public', a class, a provider, or an object`],
    [null, "option access is null; it must be 'public'"],
    [{ read: true }, "option access.read is true; it must be 'public', a function or patterns"],
    [{ topics: 'public' }, 'option access.topics is the string "public"; it must be a function'],
    [{ subscriber: 'ann' }, 'option access.subscriber is the string "ann"; it must be a function'],
    [{ write: () => true }, 'there is no option access.write'],
    [
      { read: { 'a.:': true } },
      'option access.read is an object; it must have valid patterns: the pattern "a.:" cannot be used',
    ],
    [{ read: { a: 'yes' } }, 'option access.read["a"] is the string "yes"; it must be true or a function'],
    [{ publish: { a: false } }, 'option access.publish["a"] is false; it must be true or a function'],
  ])('%j', (given, message) => {
    if (message) expect(() => policy(given)).toThrow(message);
    else expect(() => policy(given)).not.toThrow();
  });

  test('allows every caller to read and no caller to publish if it is public', async () => {
    expect(await policy('public').allowed('read', context, ['a'])).toEqual(['a']);
    expect(await policy('public').allowed('publish', context, ['a'])).toEqual([]);
    await expect(policy('public').assertAllowed('publish', context, [])).rejects.toMatchObject({ code: 'forbidden' });
  });

  test('accepts a class with other members, and calls its rules as methods', async () => {
    class Rules {
      allowed = 'news';
      read(_context: unknown, topic: string) {
        return topic === this.allowed;
      }
    }
    expect(await policy(new Rules()).allowed('read', context, ['news', 'other'])).toEqual(['news']);
  });

  test('uses the most specific pattern, and refuses a topic that matches none', () => {
    const rules = policy({
      read: {
        'user.:id': ({ subscriber }: { subscriber: string }, { id }: { id: string }) => id === subscriber,
        'user.root': true,
        'org.:org.*': (_: unknown, { org }: { org: string }) => org === 'acme',
      },
    });
    const topics = ['user.ann', 'user.bob', 'user.root', 'org.acme.a.b', 'org.evil.a', 'org.acme', 'news'];
    expect(rules.allowed('read', context, topics)).toEqual(['user.ann', 'user.root', 'org.acme.a.b']);
  });

  test('checks all topics concurrently, in any order of the results', async () => {
    const asked: string[] = [];
    const answers: (() => void)[] = [];
    const rules = policy({
      read: (_: unknown, topic: string) => {
        asked.push(topic);
        return new Promise<boolean>((resolve) => answers.push(() => resolve(topic === 'b')));
      },
    });
    const refused = expect(rules.assertAllowed('read', context, ['a', 'b', 'c'])).rejects.toMatchObject({
      code: 'forbidden',
    });
    expect(asked).toEqual(['a', 'b', 'c']);
    for (const answer of answers) answer();
    await refused;
  });

  test('rejects an invalid name of a subscriber', async () => {
    const named = (subscriber: unknown) => policy({ subscriber: () => subscriber }).context({});
    await expect(named('ann')).resolves.toEqual({ request: {}, subscriber: 'ann' });
    await expect(named(undefined)).resolves.toEqual({ request: {}, subscriber: undefined });
    await expect(named('x'.repeat(200))).resolves.toBeDefined();
    await expect(named('Ann 😀')).resolves.toBeDefined();
    for (const wrong of ['', 'x'.repeat(201), '\ud800', 7, null, { id: 7 }]) {
      await expect(named(wrong)).rejects.toThrow('access.subscriber must return a string of 1 to 200 characters');
    }
  });
});
