import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { METRIC_LIST, prometheusName } from '../../src/telemetry/metrics.js';

const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');

/** The cells of each row of the table that follows a heading. */
function rowsBelow(heading: string): string[][] {
  const [, below = ''] = page.split(`## ${heading}\n`);
  const [table = ''] = /(?:^\|.*\n)+/m.exec(below) ?? [];
  const rows = table.trim().split('\n').slice(2);
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  );
}

describe('the page of the metrics', () => {
  test('has each metric with its names, type, labels and meaning', () => {
    const expected = METRIC_LIST.map(({ name, instrument, labels, help }) => [
      prometheusName(name),
      name,
      instrument === 'upDownCounter' ? 'gauge' : instrument,
      labels.join(', '),
      help,
    ]);
    expect(rowsBelow('All metrics')).toEqual(expected);
  });

  test('has each label', () => {
    const labels = new Set(METRIC_LIST.flatMap((metric) => metric.labels));
    for (const label of labels) expect(page).toContain(`\n| \`${label}\``);
  });
});
