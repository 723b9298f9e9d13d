import { element } from '../../client/inbox-element/dom.js';
import { clockTime, UNKNOWN } from './formats.js';
import type { Values } from './plot.js';

export interface ChartTableOptions {
  readonly title: string;
  readonly names: readonly string[];
  readonly text: (value: number) => string;
}

export interface ChartRow {
  readonly timeMs: number;
  readonly values: Values;
}

/** The values of a chart as a table, newest first. It is drawn only while it is open. */
export class ChartTable {
  readonly root: HTMLElement;
  readonly #body = element('tbody');
  readonly #text: (value: number) => string;

  constructor({ title, names, text }: ChartTableOptions) {
    this.#text = text;
    const heads = ['Time', ...names].map((name) => element('th', { scope: 'col' }, name));
    const table = element(
      'table',
      { class: 'numbers' },
      element('caption', { class: 'hidden' }, title),
      element('thead', {}, element('tr', {}, ...heads)),
      this.#body,
    );
    // A region that scrolls needs the focus, so that the keyboard can scroll it.
    const region = { class: 'values', role: 'region', tabindex: '0', 'aria-label': `Values of ${title}` };
    this.root = element('div', region, table);
    this.root.hidden = true;
  }

  update(rows: () => readonly ChartRow[]): void {
    if (this.root.hidden) return;
    const known = rows().filter(({ values }) => values.some((value) => value !== null));
    this.#body.replaceChildren(...known.map((row) => this.#rowOf(row)));
  }

  #rowOf({ timeMs, values }: ChartRow): HTMLElement {
    const cells = values.map((value) => element('td', {}, value === null ? UNKNOWN : this.#text(value)));
    return element('tr', {}, element('th', { scope: 'row' }, clockTime(timeMs)), ...cells);
  }
}
