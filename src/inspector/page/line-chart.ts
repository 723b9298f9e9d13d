import { button, element, setAttributes, setText, show } from '../../client/inbox-element/dom.js';
import type { FeedSeries } from '../inspector-report.js';
import { type ChartRow, ChartTable } from './chart-table.js';
import { clockTime, UNKNOWN } from './formats.js';
import { indexAfter, indexAt, INTERVALS, scaleEnd, type Values } from './plot.js';
import { PlotView, swatch } from './plot-view.js';

export interface Line {
  readonly name: string;
  readonly values: (series: FeedSeries) => Values;
}

export interface ChartOptions {
  readonly title: string;
  /** The quantity of the vertical axis, such as `per second`. */
  readonly quantity: string;
  /** The smallest upper end of the vertical axis, so that noise around zero looks small. */
  readonly endMin: number;
  readonly text: (value: number) => string;
  /** At most three. */
  readonly lines: readonly Line[];
}

/**
 * A chart of the last minutes. The pointer or the arrow keys choose a time, and the legend shows
 * the values of this time. A button opens the same values as a table.
 */
export class LineChart {
  readonly root: HTMLElement;
  readonly #options: ChartOptions;
  readonly #view: PlotView;
  readonly #plot: HTMLElement;
  readonly #current: readonly HTMLElement[];
  readonly #time = element('span');
  readonly #table: ChartTable;
  #values: readonly Values[] = [];
  #endsAtMs = 0;
  /** 0: there was no report yet. */
  #intervalMs = 0;
  /** The end of the chosen interval. Undefined: the newest one. */
  #chosenMs: number | undefined;

  constructor(options: ChartOptions) {
    const { title, quantity, text, lines } = options;
    this.#options = options;
    this.#view = new PlotView(lines.length);
    this.#plot = this.#createPlot();
    this.#current = lines.map(() => element('b'));
    this.#table = new ChartTable({ title, names: lines.map(({ name }) => name), text });
    const unit = element('span', { class: 'muted' }, quantity);
    this.root = element(
      'figure',
      { class: 'card chart' },
      element('figcaption', {}, element('h3', {}, title), unit, this.#createToggle()),
      this.#view.scale,
      this.#plot,
      this.#view.minutes,
      this.#createLegend(),
      this.#table.root,
    );
  }

  update(series: FeedSeries): void {
    const { lines, endMin, text } = this.#options;
    this.#values = lines.map(({ values }) => padded(values(series)));
    this.#endsAtMs = Date.parse(series.endsAt);
    this.#intervalMs = series.intervalMs;
    this.#view.draw(this.#values, scaleEnd(this.#values, endMin), text);
    this.#view.drawMinutes(series.intervalMs);
    this.#showChosen();
    // A screen reader would read each change of a focused slider.
    if (document.activeElement !== this.#plot) this.#describe();
    this.#table.update(() => this.#rows());
  }

  #createPlot(): HTMLElement {
    const { title, quantity } = this.#options;
    const plot = element('div', {
      class: 'plot',
      role: 'slider',
      tabindex: '0',
      'aria-label': `${title}, ${quantity}: time`,
      'aria-valuemin': '0',
      'aria-valuemax': String(INTERVALS - 1),
      'aria-valuenow': String(INTERVALS - 1),
    });
    plot.append(this.#view.svg);
    plot.addEventListener('pointermove', (event) => {
      const { left, width } = plot.getBoundingClientRect();
      this.#choose(indexAt((event.clientX - left) / width, INTERVALS));
    });
    plot.addEventListener('pointerleave', () => this.#choose(undefined));
    plot.addEventListener('blur', () => this.#choose(undefined));
    plot.addEventListener('keydown', (event) => this.#onKey(event));
    return plot;
  }

  #createToggle(): HTMLElement {
    const attributes = { class: 'quiet', 'aria-expanded': 'false', 'aria-label': `Table of ${this.#options.title}` };
    const toggle = button(
      attributes,
      () => {
        const isOpen = show(this.#table.root, this.#table.root.hidden === true);
        setAttributes(toggle, { 'aria-expanded': String(isOpen) });
        this.#table.update(() => this.#rows());
      },
      'Table',
    );
    return toggle;
  }

  #createLegend(): HTMLElement {
    const items = this.#options.lines.map(({ name }, index) =>
      element('li', {}, swatch(index), name, ' ', ...this.#current.slice(index, index + 1)),
    );
    return element('div', { class: 'legend' }, element('ul', {}, ...items), this.#time);
  }

  #onKey(event: KeyboardEvent): void {
    const next = indexAfter(event, this.#chosenIndex());
    const endsChoice = event.key === 'Escape' && this.#chosenMs !== undefined;
    if (next === undefined && !endsChoice) return;
    this.#choose(next);
    event.preventDefault();
  }

  /** @param index - An index outside of the chart means its first or last interval. */
  #choose(index: number | undefined): void {
    this.#chosenMs = index === undefined ? undefined : this.#timeAt(inChart(index));
    this.#showChosen();
    this.#describe();
  }

  /** The chosen time stays the same when new intervals arrive, until it is older than the chart. */
  #chosenIndex(): number {
    if (this.#chosenMs === undefined || this.#intervalMs === 0) return INTERVALS - 1;
    return inChart(INTERVALS - 1 - Math.round((this.#endsAtMs - this.#chosenMs) / this.#intervalMs));
  }

  #timeAt(index: number): number {
    return this.#endsAtMs - (INTERVALS - 1 - index) * this.#intervalMs;
  }

  #showChosen(): void {
    const index = this.#chosenIndex();
    const isChosen = this.#chosenMs !== undefined;
    for (const [line, value] of this.#current.entries()) setText(value, this.#textAt(line, index));
    setText(this.#time, isChosen ? clockTime(this.#timeAt(index)) : '');
    this.#view.mark(isChosen ? index : undefined);
  }

  /** Describes the chosen values for screen readers. */
  #describe(): void {
    const index = this.#chosenIndex();
    const time = this.#intervalMs === 0 ? 'no values yet' : clockTime(this.#timeAt(index));
    const values = this.#options.lines.map(({ name }, line) => `${name} ${this.#textAt(line, index)}`);
    setAttributes(this.#plot, { 'aria-valuenow': String(index), 'aria-valuetext': [time, ...values].join(', ') });
  }

  #textAt(line: number, index: number): string {
    const value = this.#values[line]?.[index] ?? null;
    return value === null ? UNKNOWN : this.#options.text(value);
  }

  /** The values by interval, newest first. */
  #rows(): ChartRow[] {
    const rows = Array.from({ length: INTERVALS }, (_, index) => ({
      timeMs: this.#timeAt(index),
      values: this.#values.map((values) => values[index] ?? null),
    }));
    return rows.reverse();
  }
}

function inChart(index: number): number {
  return Math.min(INTERVALS - 1, Math.max(0, index));
}

/** Aligns the newest values at the right. An inspector that has just started has few values. */
function padded(values: Values): Values {
  const newest = values.slice(-INTERVALS);
  return [...Array.from({ length: INTERVALS - newest.length }, () => null), ...newest];
}
