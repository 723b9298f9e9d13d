import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { checkTopic, TOPIC_LENGTH_MAX } from '../../src/core/names.js';
import { parseTopic, topicOf } from '../../src/wire/topic-of.js';
import { TopicPatterns } from '../../src/wire/topic-patterns.js';
import * as client from '../../src/client/index.js';

/** Short enough for a topic however it is encoded. */
const id = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 16 }),
  fc.string({ unit: fc.constantFrom('~', '7', 'E', '.', 'a', '%', '2', '/', '|'), minLength: 1, maxLength: 16 }),
);
const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text);

describe('topicOf', () => {
  test.each([
    ['ann', 'user.ann'],
    ['3f2c0f9e-7a6e-4a5e-9d0c-2f7a3d1b9c55', 'user.3f2c0f9e-7a6e-4a5e-9d0c-2f7a3d1b9c55'],
    ['urn:acme:user/5=', 'user.urn:acme:user/5='],
    ['ann@example', 'user.ann@example'],
    ['auth0|5f', 'user.auth0~7C5f'],
    ['bob+x', 'user.bob~2Bx'],
    ['Zoë', 'user.Zo~C3~AB'],
    ['ann@example.com', 'user.ann@example~2Ecom'],
    ['~ann', 'user.~7Eann'],
    ['*', 'user.~2A'],
    [42, 'user.42'],
    [42n, 'user.42'],
    [1.5, 'user.1~2E5'],
  ])('%p is %s', (part, topic) => {
    expect(topicOf('user', part)).toBe(topic);
    expect(checkTopic(topic)).toBe(topic);
    expect(client.topicOf('user', part)).toBe(topic);
  });

  test('makes one segment of each part', () => {
    const topic = topicOf('org', 'a.b', 'member', 'c|d');
    expect(topic).toBe('org.a~2Eb.member.c~7Cd');
    expect(parseTopic(topic)).toEqual(['org', 'a.b', 'member', 'c|d']);
  });

  test.each([
    ['', 'a part of a topic is empty'],
    [undefined, 'a part of a topic is undefined'],
    [null, 'a part of a topic is object'],
    ['\ud800', 'malformed'],
  ])('refuses %p', (part, message) => {
    expect(() => topicOf('user', part!)).toThrow(message);
  });

  test('refuses a topic that is too long, and says how long it is', () => {
    expect(topicOf('user', 'x'.repeat(TOPIC_LENGTH_MAX - 5))).toHaveLength(TOPIC_LENGTH_MAX);
    expect(() => topicOf('user', 'x'.repeat(TOPIC_LENGTH_MAX - 4))).toThrow(
      'the topic has 201 characters, at most 200',
    );
    expect(() => topicOf('user', '語'.repeat(30))).toThrow('the topic has 275 characters');
  });

  test('returns a valid topic that parses to the id, and is unique to the id', () => {
    fc.assert(
      fc.property(id.filter(isWellFormed), id.filter(isWellFormed), (one, other) => {
        const topic = checkTopic(topicOf('u', one));
        expect(parseTopic(topic)).toEqual(['u', one]);
        expect(topicOf('u', other) === topic).toBe(other === one);
      }),
    );
  });
});

describe('a parameter of a pattern', () => {
  const patterns = new TopicPatterns({ 'user.:id': true });
  const valueIn = (topic: string): string | undefined => patterns.match(topic)?.params.id;

  test('has the id that the topic was made of', () => {
    fc.assert(
      fc.property(id.filter(isWellFormed), (one) => {
        expect(valueIn(topicOf('user', one))).toBe(one);
      }),
    );
  });

  test('has one value for one topic only', () => {
    const segment = fc.string({
      unit: fc.constantFrom('~', '7', 'E', 'C', '3', 'a', '/', '6', '1'),
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(segment, (text) => {
        const value = valueIn(`user.${text}`);
        if (value !== undefined) expect(topicOf('user', value)).toBe(`user.${text}`);
      }),
    );
  });

  test.each(['~61nn', '~7c', '~', '~7', '~C3', '~FF', 'a~2', '~2F'])(
    'does not match %s, because topicOf never returns it',
    (segment) => {
      expect(patterns.match(`user.${segment}`)).toBeUndefined();
      expect(parseTopic(`user.${segment}`)).toEqual(['user', segment]);
    },
  );
});
