import { element, setAttributes, setText } from '../../client/inbox-element/dom.js';
import type { CountedCode, FeedReport } from '../inspector-report.js';
import { count, counted, duration, percent, type Quantity, rate, size, textOf, UNKNOWN } from './formats.js';
import { readable } from './names.js';

interface Figure extends Quantity {
  readonly detail: string;
  /** The figure needs attention. */
  readonly isBad?: boolean;
}

const FIGURES: readonly (readonly [name: string, figure: (feed: FeedReport) => Figure])[] = [
  ['Waiters', waiters],
  [
    'Published',
    ({ now, topics }) => ({
      ...perSecond(now.published),
      detail: `${counted(topics, 'topic')} have waiters on this node`,
    }),
  ],
  ['Delivered', ({ now }) => ({ ...perSecond(now.delivered), detail: `${textOf(size(now.bytes))} per second` })],
  ['Latency p50', latency],
  ['Refusals', ({ now, refusals }) => ({ ...perSecond(now.refusals), ...totalOf(refusals), isBad: now.refusals > 0 })],
  ['Gaps', ({ now, gaps }) => ({ ...perSecond(now.gaps), ...totalOf(gaps), isBad: now.gaps > 0 })],
  [
    'Waiting to deliver',
    ({ wakeQueue, now }) => ({
      number: count(wakeQueue),
      unit: '',
      detail: `queued; deliveries use ${textOf(percent(now.wakeLoad))} of the event loop`,
    }),
  ],
  ['Window hits', windowHits],
];

/** The figures of a feed now. */
export class Tiles {
  readonly root: HTMLElement;
  readonly #tiles = FIGURES.map(([name, figure]) => ({ figure, ...createTile(name) }));

  constructor() {
    const title = element('h2', { class: 'hidden' }, 'Now');
    const list = element('dl', { class: 'tiles' }, ...this.#tiles.map(({ root }) => root));
    this.root = element('section', {}, title, list);
  }

  update(feed: FeedReport): void {
    for (const { figure, root, number, unit, detail } of this.#tiles) {
      const shown = figure(feed);
      setText(number, shown.number);
      setText(unit, shown.unit === '' ? '' : ` ${shown.unit}`);
      setText(detail, shown.detail);
      setAttributes(root, { 'data-kind': shown.isBad ? 'bad' : undefined });
    }
  }
}

function createTile(name: string) {
  const number = element('b', {}, UNKNOWN);
  const unit = element('span', { class: 'unit' });
  const detail = element('dd', { class: 'muted' });
  const root = element('div', { class: 'card tile' }, element('dt', {}, name), element('dd', {}, number, unit), detail);
  return { root, number, unit, detail };
}

function perSecond(value: number): Quantity {
  return { number: rate(value), unit: '/s' };
}

function waiters({ waiters: { poll, stream, history } }: FeedReport): Figure {
  const parts = [
    counted(poll, 'poll'),
    counted(stream, 'stream'),
    ...(history > 0 ? [`${count(history)} history`] : []),
  ];
  return { number: count(poll + stream + history), unit: '', detail: parts.join(', ') };
}

function latency({ now: { deliveryP50Ms, deliveryP99Ms } }: FeedReport): Figure {
  if (deliveryP50Ms === null) return { number: UNKNOWN, unit: '', detail: 'no delivery in this interval' };
  const detail = deliveryP99Ms === null ? '' : `p99 ${textOf(duration(deliveryP99Ms))}`;
  return { ...duration(deliveryP50Ms), detail };
}

/** The sum of the counts, and the most frequent code. */
function totalOf(counts: readonly CountedCode[]): { readonly detail: string } {
  const total = counts.reduce((sum, { count: each }) => sum + each, 0);
  const [first] = counts;
  return { detail: first ? `${count(total)} so far, mostly ${readable(first.code)}` : 'none so far' };
}

function windowHits({ now: { windowHitRate }, window: { entries, bytes } }: FeedReport): Figure {
  const detail = `${count(entries)} entries in the window, ${textOf(size(bytes))}`;
  return windowHitRate === null ? { number: UNKNOWN, unit: '', detail } : { ...percent(windowHitRate), detail };
}
