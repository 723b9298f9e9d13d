import { element, show } from '../../client/inbox-element/dom.js';
import type { CountedCode } from '../inspector-report.js';
import { count } from './formats.js';
import { readable } from './names.js';

/** A list of codes with their counts. */
export class Counts {
  readonly root: HTMLElement;
  readonly #list = element('dl', { class: 'counts' });
  readonly #empty: HTMLElement;

  constructor(empty: string) {
    this.#empty = element('p', { class: 'muted' }, empty);
    this.root = element('div', {}, this.#list, this.#empty);
  }

  update(counts: readonly CountedCode[]): void {
    show(this.#empty, counts.length === 0);
    show(this.#list, counts.length > 0);
    const rows = counts.map(({ code, count: value }) =>
      element('div', {}, element('dt', {}, readable(code)), element('dd', {}, count(value))),
    );
    this.#list.replaceChildren(...rows);
  }
}
