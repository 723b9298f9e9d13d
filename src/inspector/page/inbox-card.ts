import { element, setText, show } from '../../client/inbox-element/dom.js';
import type { FeedReport } from '../inspector-report.js';
import { type Card, card } from './card.js';
import { Counts } from './counts.js';
import { count, size, textOf } from './formats.js';

/** The inboxes of the feed, if it has some. */
export class InboxCard implements Card {
  readonly root: HTMLElement;
  readonly #states = element('b');
  readonly #memory = element('b');
  readonly #meter = element('meter', { 'aria-label': 'Memory of inboxes', min: '0', max: '1' });
  readonly #operations = new Counts('No operations yet.');

  constructor() {
    const facts = element(
      'p',
      { class: 'facts' },
      element('span', {}, this.#states, ' states in memory'),
      element('span', {}, this.#memory),
    );
    const operations = [element('h3', { class: 'part' }, 'Operations'), this.#operations.root];
    this.root = card('Inboxes', 'of this node', facts, this.#meter, ...operations);
  }

  update({ inbox }: FeedReport): void {
    if (!show(this.root, inbox !== undefined) || !inbox) return;
    const { states, bytes, bytesMax, operations } = inbox;
    setText(this.#states, count(states));
    setText(this.#memory, `${textOf(size(bytes))} of ${textOf(size(bytesMax))}`);
    this.#meter.value = bytesMax > 0 ? bytes / bytesMax : 0;
    this.#operations.update(operations);
  }
}
