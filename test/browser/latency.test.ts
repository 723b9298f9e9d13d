import { describe, expect, it } from '@jest/globals';
import { hasServersClock, Latency, scaleOf } from '../../src/demo/assets/latency.js';

function measured(...samples: (number | { late: number })[]) {
  const latency = new Latency();
  for (const sample of samples) {
    if (typeof sample === 'number') latency.add(sample, false);
    else latency.add(sample.late, true);
  }
  return latency;
}

describe('Latency', () => {
  it.each([
    [[], undefined],
    [[7], { count: 1, p50: 7, max: 7 }],
    [[9, 1], { count: 2, p50: 1, max: 9 }],
    [[5, 100, 3], { count: 3, p50: 5, max: 100 }],
    // As it was measured, when clocks differ.
    [[-3, -5], { count: 2, p50: -5, max: -3 }],
    // Latency after an absence does not describe the transport.
    [[5, { late: 60_000 }, 7], { count: 2, p50: 5, max: 7 }],
    [[{ late: 60_000 }], undefined],
  ])('of %j is %j', (samples, summary) => {
    expect(measured(...samples).summary()).toEqual(summary);
  });

  it('uses the last 60 samples', () => {
    const latency = measured(999, ...Array.from({ length: 60 }, (_, index) => index + 1));
    expect(latency.samples).toHaveLength(60);
    expect(latency.summary()).toEqual({ count: 60, p50: 30, max: 60 });
  });
});

describe('the scale', () => {
  it.each([
    [-5, 10],
    [0, 10],
    [10, 10],
    [11, 20],
    [20, 20],
    [21, 50],
    [51, 100],
    [100, 100],
    [101, 200],
    [999, 1_000],
    [1_001, 2_000],
  ])('above %j ms is %j ms', (maxMs, scaleMs) => {
    expect(scaleOf(maxMs)).toBe(scaleMs);
  });
});

describe('the clock of the server', () => {
  it.each([
    ['localhost', true],
    ['127.0.0.1', true],
    ['127.9.8.7', true],
    ['[::1]', true],
    ['192.168.1.20', false],
    ['workshop.local', false],
    ['127.example.org', false],
  ])('is the clock of the page if its host is %s: %j', (hostname, isThis) => {
    expect(hasServersClock({ hostname })).toBe(isThis);
  });
});
