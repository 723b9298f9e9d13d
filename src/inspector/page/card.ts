import { element } from '../../client/inbox-element/dom.js';
import type { FeedReport } from '../inspector-report.js';

/** A part of the page that shows a part of a feed. */
export interface Card {
  readonly root: HTMLElement;
  update(feed: FeedReport): void;
}

/** Creates the frame of a card. */
export function card(title: string, subtitle: string, ...content: readonly Node[]): HTMLElement {
  const head = element('header', {}, element('h2', {}, title), element('span', { class: 'muted' }, subtitle));
  return element('section', { class: 'card' }, head, ...content);
}
