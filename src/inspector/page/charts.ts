import { element } from '../../client/inbox-element/dom.js';
import type { FeedSeries } from '../inspector-report.js';
import { count, milliseconds, rate } from './formats.js';
import { type ChartOptions, LineChart } from './line-chart.js';

const CHARTS: readonly ChartOptions[] = [
  {
    title: 'Published',
    quantity: 'per second',
    endMin: 1,
    text: rate,
    lines: [{ name: 'published', values: ({ published }) => published }],
  },
  {
    title: 'Delivered',
    quantity: 'per second',
    endMin: 1,
    text: rate,
    lines: [{ name: 'delivered', values: ({ delivered }) => delivered }],
  },
  {
    title: 'Latency',
    quantity: 'publish to write',
    endMin: 10,
    text: milliseconds,
    lines: [
      { name: 'p50', values: ({ deliveryP50Ms }) => deliveryP50Ms },
      { name: 'p99', values: ({ deliveryP99Ms }) => deliveryP99Ms },
    ],
  },
  {
    title: 'Waiters',
    quantity: 'polls, streams, history',
    endMin: 2,
    text: count,
    lines: [{ name: 'waiters', values: ({ waiters }) => waiters }],
  },
  {
    title: 'Problems',
    quantity: 'per second',
    endMin: 1,
    text: rate,
    lines: [
      { name: 'refusals', values: ({ refusals }) => refusals },
      { name: 'gaps', values: ({ gaps }) => gaps },
      { name: 'evictions', values: ({ cuts }) => cuts },
    ],
  },
  {
    title: 'Store appends',
    quantity: 'time of a call',
    endMin: 2,
    text: milliseconds,
    lines: [
      { name: 'p50', values: ({ appendP50Ms }) => appendP50Ms },
      { name: 'p99', values: ({ appendP99Ms }) => appendP99Ms },
    ],
  },
  {
    title: 'Store reads',
    quantity: 'time of a call',
    endMin: 2,
    text: milliseconds,
    lines: [
      { name: 'p50', values: ({ readP50Ms }) => readP50Ms },
      { name: 'p99', values: ({ readP99Ms }) => readP99Ms },
    ],
  },
  {
    title: 'Lag',
    quantity: 'node behind its store',
    endMin: 10,
    text: milliseconds,
    lines: [{ name: 'lag', values: ({ tailLagMs }) => tailLagMs }],
  },
];

/** The charts of a feed. */
export class Charts {
  readonly root: HTMLElement;
  readonly #charts = CHARTS.map((options) => new LineChart(options));

  constructor() {
    const title = element('h2', { class: 'hidden' }, 'The last minutes');
    this.root = element('section', { class: 'charts' }, title, ...this.#charts.map(({ root }) => root));
  }

  update(series: FeedSeries): void {
    for (const chart of this.#charts) chart.update(series);
  }
}
