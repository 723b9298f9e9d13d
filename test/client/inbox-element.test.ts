import { describe, expect, test } from '@jest/globals';
import { defineInboxElement, NotificationInboxElement } from 'nest-notifications/client/inbox-element';
import { readdirSync, readFileSync } from 'node:fs';
import { Formats } from '../../src/client/inbox-element/formats.js';
import { itemTextOf } from '../../src/client/inbox-element/item-text.js';
import { STYLES } from '../../src/client/inbox-element/styles.js';

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const FOLDER = 'src/client/inbox-element/';
const sources = readdirSync(new URL(`../../${FOLDER}`, import.meta.url))
  .map((name) => read(FOLDER + name))
  .join('\n');
const BASE = 'https://app.example/page';

test('the entry can be imported in Node, where it defines nothing', () => {
  defineInboxElement();
  expect(NotificationInboxElement.name).toBe('NotificationInboxElement');
});

describe('the text of an item', () => {
  test('has the title and the body, or the type', () => {
    const text = (data: unknown) => itemTextOf({ type: 'comment', data }, BASE);
    expect(text({ title: ' A ', body: 'B' })).toEqual({ title: 'A', body: 'B', url: undefined });
    const onlyType = { title: 'comment', body: '', url: undefined };
    for (const data of [undefined, null, 7, 'text', [], {}, { title: 7, body: {}, url: [] }, { title: ' ' }]) {
      expect(text(data)).toEqual(onlyType);
    }
  });

  test('has a length limit, and no half characters', () => {
    const { title, body } = itemTextOf({ data: { title: 'x'.repeat(299) + '😀😀', body: 'y'.repeat(10_000) } }, BASE);
    expect(title).toBe(`${'x'.repeat(299)}…`);
    expect(body).toHaveLength(1_001);
  });

  test.each([
    ['/orders/1', 'https://app.example/orders/1'],
    ['?a=1', 'https://app.example/page?a=1'],
    ['https://other.example/x', 'https://other.example/x'],
    ['//other.example', 'https://other.example/'],
    ['javascript:alert(1)', undefined],
    [' java\tscript:alert(1)', undefined],
    ['JAVASCRIPT:alert(1)', undefined],
    ['data:text/html,x', undefined],
    ['blob:https://app.example/1', undefined],
    ['file:///etc/passwd', undefined],
    ['http://[', undefined],
    ['', undefined],
    [`/${'x'.repeat(3_000)}`, undefined],
  ])('follows only http and https: %s', (url, expected) => {
    expect(itemTextOf({ data: { url } }, BASE).url).toBe(expected);
  });
});

describe('formats', () => {
  const nowMs = Date.parse('2026-03-10T12:00:00Z');
  const age = (lang: string | undefined, seconds: number) =>
    new Formats(lang).age(new Date(nowMs - seconds * 1_000).toISOString(), nowMs);

  test('have the largest unit, in the language of the page', () => {
    expect([0, 59, 60, 3_599, 3_600, 86_399, 86_400, 6 * 86_400].map((seconds) => age('en', seconds))).toEqual([
      ...['now', 'now', '1 min. ago', '59 min. ago', '1 hr. ago', '23 hr. ago', 'yesterday', '6 days ago'],
    ]);
    expect(age('de', 7_200)).toBe('vor 2 Std.');
    expect(age('en', 8 * 86_400)).toBe('Mar 2, 2026');
    expect(age('en', -30)).toBe('now');
  });

  test('accept invalid languages and times', () => {
    expect(age('not a language', 0)).toBe(age(undefined, 0));
    expect([new Formats('en').age('never', nowMs), new Formats('en').moment('never')]).toEqual(['', '']);
  });

  test('cap a count', () => {
    const formats = new Formats('en');
    expect([formats.count(99, 99), formats.count(100, 99), formats.count(1_000, 2_000)]).toEqual([
      '99',
      '99+',
      '1,000',
    ]);
  });
});

describe('docs/inbox-element.md', () => {
  const guide = read('docs/inbox-element.md');
  /** The first cells of the table that begins with a header. */
  const table = (header: string) => {
    const [, rows = ''] = new RegExp(`^\\| ${header} [^\\n]*\\n\\|[^\\n]*\\n((?:\\|.*\\n)+)`, 'm').exec(guide) ?? [];
    const cells = rows.split('\n').map((row) => row.split('|')[1] ?? '');
    return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)).sort();
  };
  const found = (pattern: RegExp, text = sources) =>
    [...new Set([...text.matchAll(pattern)].flatMap(([, names = '']) => names.split(' ')))].sort();

  test('lists all attributes and properties', () => {
    const attributes = [...NotificationInboxElement.observedAttributes, 'theme']
      .filter((name) => name !== 'lang')
      .sort();
    // The first table with this header is the list of attributes.
    expect(table('attribute')).toEqual(attributes);
    const accessors = Object.entries(Object.getOwnPropertyDescriptors(NotificationInboxElement.prototype));
    const settable = accessors.filter(([, { set }]) => set).map(([name]) => name);
    expect([...attributes, ...table('property ')].sort()).toEqual(expect.arrayContaining(settable));
  });

  test('lists all events, parts, slots and custom properties', () => {
    expect(table('event')).toEqual(expect.arrayContaining(found(/#dispatch\('([\w-]+)'/g)));
    expect(table('part')).toEqual(
      found(/part: (?:item\.read \? )?'([\w -]+)'(?: : '[\w -]+')?/g)
        .concat('unread')
        .sort(),
    );
    expect(table('slot')).toEqual(found(/'slot', \{ name: '(\w+)'/g));
    const custom = found(/var\((--inbox-[\w-]+)/g, STYLES);
    expect(found(/^\| `(--inbox-[\w-]+)`/gm, guide)).toEqual(custom);
  });

  test('has the version of the policy that the browser tests use', () => {
    const [, policy = ''] = /^Content-Security-Policy: (.*)$/m.exec(guide) ?? [];
    expect(read('test/browser/inbox-page.ts')).toContain(JSON.stringify(policy));
  });
});
