import { element, setText, show } from '../../client/inbox-element/dom.js';
import type { FeedReport, SlowReader } from '../inspector-report.js';
import { type Card, card } from './card.js';
import { age, count, counted, size, textOf } from './formats.js';
import { readable } from './names.js';
import { SortableTable } from './sortable-table.js';

/** The readers that have not read their last answer. */
export class SlowReadersCard implements Card {
  readonly root: HTMLElement;
  readonly #sum = element('p', { class: 'muted' });
  readonly #table = new SortableTable<SlowReader>({
    title: 'Slow readers',
    sortedBy: 2,
    empty: 'No slow readers: each client has read its last answer.',
    columns: [
      { title: 'Reader', text: readerOf, sortBy: readerOf },
      { title: 'Via', text: ({ transport }) => transport, sortBy: ({ transport }) => transport },
      {
        title: 'Unread',
        text: ({ unreadBytes }) => textOf(size(unreadBytes)),
        sortBy: ({ unreadBytes }) => unreadBytes,
      },
      { title: 'Unread for', text: ({ ageMs }) => age(ageMs), sortBy: ({ ageMs }) => ageMs },
      { title: 'Topics', text: ({ topics }) => count(topics), sortBy: ({ topics }) => topics },
    ],
  });

  constructor() {
    this.root = card('Slow readers', 'unread answers', this.#table.root, this.#sum);
  }

  update({ slowReaders: { connections, bytes, list } }: FeedReport): void {
    this.#table.update(list);
    show(this.#sum, connections > 0);
    setText(this.#sum, `${counted(connections, 'connection')} with ${textOf(size(bytes))} unread.`);
  }
}

function readerOf({ subscriber, address }: SlowReader): string {
  return readable(subscriber ?? address ?? 'no subscriber');
}
