import { describe, expect, it } from '@jest/globals';
import { age, count, duration, percent, rate, size, textOf } from '../../../src/inspector/page/formats.js';
import { readable } from '../../../src/inspector/page/names.js';
import { addressOf, hashOf } from '../../../src/inspector/page/page-address.js';
import { areaPath, indexAfter, indexAt, linePath, scaleEnd } from '../../../src/inspector/page/plot.js';

describe('the texts of the inspector', () => {
  it.each([
    [count(0), '0'],
    [count(99_999), '99,999'],
    [count(128_440), '128K'],
    [count(1_250_000_000), '1.25B'],
    [rate(0), '0'],
    [rate(0.4), '0.4'],
    [rate(9.96), '10'],
    [rate(1_234.5), '1,235'],
    [textOf(duration(0)), '0 ms'],
    [textOf(duration(0.01)), '< 0.1 ms'],
    [textOf(duration(1.72)), '1.7 ms'],
    [textOf(duration(9.96)), '10 ms'],
    [textOf(duration(1_500)), '1.5 s'],
    [textOf(duration(90_000)), '1.5 min'],
    [textOf(duration(3 * 3_600_000)), '3.0 h'],
    [textOf(duration(5 * 86_400_000)), '5 days'],
    [textOf(size(312)), '312 B'],
    [textOf(size(4_410_000)), '4.2 MB'],
    [textOf(size(3 * 2 ** 40)), '3,072 GB'],
    [textOf(percent(0.034)), '3 %'],
    [textOf(percent(0.99996)), '99.9 %'],
    [textOf(percent(1)), '100 %'],
    [age(-5), '< 1 s'],
    [age(59_999), '59 s'],
    [age(3 * 86_400_000), '3 d'],
  ])('write %s as %s', (text, expected) => {
    expect(text).toBe(expected);
  });

  it.each([
    ['orders.eu', 'orders.eu'],
    ['<img src=x onerror=alert(1)>', '<img src=x onerror=alert(1)>'],
    ['pay\u202etxt.exe', 'pay[U+202E]txt.exe'],
    ['a\u200bb\u0000c\ufeff', 'a[U+200B]b[U+0000]c[U+FEFF]'],
    ['مرحبا', 'مرحبا'],
    ['x'.repeat(10_000), `${'x'.repeat(160)}… (10000 characters)`],
    [`${'x'.repeat(159)}😀`, `${'x'.repeat(159)}[U+D83D]… (161 characters)`],
  ])('make a name readable: case %#', (name, expected) => {
    expect(readable(name)).toBe(expected);
  });

  it('keep a feed and a question in the address', () => {
    const address = { feed: 'a&b', id: '1#2', subscriber: 'ann lee', topic: '' };
    expect(addressOf(hashOf(address))).toEqual(address);
    expect(addressOf('')).toEqual({ feed: undefined, id: '', subscriber: '', topic: '' });
  });
});

describe('the plot of a chart', () => {
  it.each([
    [[], 1, 1],
    [[0.2], 1, 1],
    [[1_780], 1, 2_000],
    [[2_001], 1, 4_000],
    [[0.03, null], 0.01, 0.04],
    [[9.4], 1, 10],
  ])('of %j has a scale from 0 to a readable end', (values, min, end) => {
    expect(scaleEnd([values], min)).toBeCloseTo(end);
  });

  it('breaks a line at a missing value, and shows a single value as a dot', () => {
    expect(linePath([1, 2, null, 4, null], 4)).toBe('M0 75L250 50M750 0h0');
    expect(areaPath([1, 2, null, 4, null], 4)).toBe('M0 100L0 75L250 50L250 100Z');
    expect(linePath([null, null], 4)).toBe('');
  });

  it.each([
    ['ArrowLeft', 9],
    ['ArrowUp', 11],
    ['PageDown', -2],
    ['Home', 0],
    ['End', 59],
    ['Tab', undefined],
    ['Escape', undefined],
  ])('moves the chosen value with the key %s', (key, index) => {
    const press = { key, altKey: false, ctrlKey: false, metaKey: false };
    expect(indexAfter(press, 10)).toBe(index);
    // The browser uses these keys itself: Alt and the left arrow open the previous page.
    for (const name of ['altKey', 'ctrlKey', 'metaKey']) {
      expect(indexAfter({ ...press, [name]: true }, 10)).toBeUndefined();
    }
  });

  it('finds the value at a horizontal position', () => {
    expect([-1, 0, 0.49, 0.51, 1, 2].map((part) => indexAt(part, 3))).toEqual([0, 0, 1, 1, 2, 2]);
  });
});
