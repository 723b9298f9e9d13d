import { element, setAttributes, setText } from '../../client/inbox-element/dom.js';
import type { FeedReport, StoreCalls } from '../inspector-report.js';
import { type Card, card } from './card.js';
import { Counts } from './counts.js';
import { count, milliseconds } from './formats.js';
import { SortableTable } from './sortable-table.js';

const HEALTH: Readonly<Record<FeedReport['health'], string>> = {
  ready: 'Ready',
  draining: 'Draining',
  store_unavailable: 'Store unavailable',
};

/** The health, the lag and the calls of the store. */
export class StoreCard implements Card {
  readonly root: HTMLElement;
  readonly #health = element('b', { class: 'pill' });
  readonly #lag = element('b');
  readonly #errors = new Counts('No failed calls.');
  readonly #table = new SortableTable<StoreCalls>({
    title: 'Calls of the store',
    sortedBy: 1,
    empty: 'No calls yet.',
    columns: [
      { title: 'Call', text: ({ operation }) => operation, sortBy: ({ operation }) => operation },
      { title: 'Count', text: (calls) => count(calls.count), sortBy: (calls) => calls.count },
      { title: 'p50', text: ({ p50Ms }) => milliseconds(p50Ms), sortBy: ({ p50Ms }) => p50Ms ?? -1 },
      { title: 'p99', text: ({ p99Ms }) => milliseconds(p99Ms), sortBy: ({ p99Ms }) => p99Ms ?? -1 },
    ],
  });

  constructor() {
    const facts = element('p', { class: 'facts' }, this.#health, element('span', {}, 'lag ', this.#lag));
    this.root = card(
      'Store',
      'since the inspector started',
      facts,
      this.#table.root,
      element('h3', { class: 'part' }, 'Errors'),
      this.#errors.root,
    );
  }

  update({ health, store }: FeedReport): void {
    setText(this.#health, HEALTH[health]);
    setAttributes(this.#health, { 'data-state': health });
    setText(this.#lag, milliseconds(store.tailLagMs));
    this.#table.update(store.calls);
    this.#errors.update(store.errors);
  }
}
