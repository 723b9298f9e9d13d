import { element, show } from '../../client/inbox-element/dom.js';
import type { FeedReport, TopTopic } from '../inspector-report.js';
import { type Card, card } from './card.js';
import { count, rate } from './formats.js';
import { readable } from './names.js';
import { SortableTable } from './sortable-table.js';

/** The topics with the most activity. */
export class TopicsCard implements Card {
  readonly root: HTMLElement;
  readonly #note = element(
    'p',
    { class: 'muted' },
    'The node has many topics. Only a part of the topics with waiters was read.',
  );
  readonly #table = new SortableTable<TopTopic>({
    title: 'Topics',
    sortedBy: 1,
    empty: 'No topic has waiters or new notifications.',
    columns: [
      { title: 'Topic', text: ({ topic }) => readable(topic), sortBy: ({ topic }) => topic },
      {
        title: 'Per minute',
        text: ({ publishesPerMinute }) => rate(publishesPerMinute),
        sortBy: ({ publishesPerMinute }) => publishesPerMinute,
      },
      { title: 'Waiters', text: ({ waiters }) => count(waiters), sortBy: ({ waiters }) => waiters },
    ],
  });

  constructor() {
    this.root = card('Topics', 'most active now', this.#table.root, this.#note);
  }

  update({ topTopics: { byPublishes, byWaiters, complete } }: FeedReport): void {
    const topics = new Map([...byWaiters, ...byPublishes].map((topic) => [topic.topic, topic]));
    this.#table.update([...topics.values()]);
    show(this.#note, !complete);
  }
}
