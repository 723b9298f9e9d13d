import { element } from '../../client/inbox-element/dom.js';
import type { FeedReport } from '../inspector-report.js';
import { type Card, card } from './card.js';
import { Counts } from './counts.js';

/** The refusals and gaps by code. */
export class RefusalsCard implements Card {
  readonly root: HTMLElement;
  readonly #refusals = new Counts('No refused requests.');
  readonly #gaps = new Counts('No gaps: no reader has lost notifications.');

  constructor() {
    const parts = [
      element('h3', { class: 'part' }, 'Refusals by code'),
      this.#refusals.root,
      element('h3', { class: 'part' }, 'Gaps by reason'),
      this.#gaps.root,
    ];
    this.root = card('Refusals and gaps', 'since the inspector started', ...parts);
  }

  update({ refusals, gaps }: FeedReport): void {
    this.#refusals.update(refusals);
    this.#gaps.update(gaps);
  }
}
