import { element, setAttributes, show } from '../../client/inbox-element/dom.js';
import type { FeedReport, InspectorState } from '../inspector-report.js';
import type { Card } from './card.js';
import { Charts } from './charts.js';
import { age } from './formats.js';
import { Header, type HeaderActions } from './header.js';
import { InboxCard } from './inbox-card.js';
import type { Connection } from './poller.js';
import { RefusalsCard } from './refusals-card.js';
import { SlowReadersCard } from './slow-readers-card.js';
import { StoreCard } from './store-card.js';
import { type AskStory, StoryCard } from './story-card.js';
import { Tiles } from './tiles.js';
import { TopicsCard } from './topics-card.js';

export interface ViewActions extends Omit<HeaderActions, 'onStory'> {
  readonly ask: AskStory;
}

/** The whole page. */
export class InspectorView {
  readonly story: StoryCard;
  readonly #header: Header;
  readonly #main: HTMLElement;
  readonly #feed: HTMLElement;
  readonly #charts = new Charts();
  readonly #note = element('p', { class: 'note' });
  readonly #cards: readonly Card[];

  constructor(body: HTMLElement, { ask, ...actions }: ViewActions) {
    this.story = new StoryCard(ask);
    this.#header = new Header({ ...actions, onStory: () => this.story.focus() });
    const tiles = new Tiles();
    const wide = [new TopicsCard(), new SlowReadersCard()];
    const narrow = [new StoreCard(), new RefusalsCard(), new InboxCard()];
    this.#cards = [tiles, ...wide, ...narrow];
    const rootsOf = (cards: readonly Card[]): Node[] => cards.map(({ root }) => root);
    const columns = [element('div', {}, ...rootsOf(wide), this.story.root), element('div', {}, ...rootsOf(narrow))];
    this.#feed = element('div', {}, tiles.root, this.#charts.root, element('div', { class: 'columns' }, ...columns));
    this.#main = element('main', {}, this.#note, this.#feed);
    body.append(this.#header.root, this.#header.banner, this.#main);
    this.showLoading();
  }

  /** Hides the figures until the next report. */
  showLoading(): void {
    setAttributes(this.#main, { 'aria-busy': 'true' });
    show(this.#feed, false);
    this.#showNote('Loading the report…');
  }

  showConnection(connection: Connection): void {
    this.#header.showConnection(connection);
    // Old figures look different from live ones.
    setAttributes(this.#main, { 'data-stale': connection.state === 'failed' ? '' : undefined });
    if (connection.state === 'failed' && this.#feed.hidden) this.#showNote('No report of this feed was loaded.');
  }

  showState(state: InspectorState, feed: FeedReport | undefined): void {
    setAttributes(this.#main, { 'aria-busy': undefined });
    this.#header.showState(state, feed?.name ?? '');
    if (!show(this.#feed, feed !== undefined) || !feed) {
      this.#showNote('This application has no feeds.');
      return;
    }
    this.#showNote(noteOf(feed));
    this.#charts.update(feed.series);
    for (const card of this.#cards) card.update(feed);
  }

  #showNote(text: string): void {
    this.#note.textContent = text;
    show(this.#note, text !== '');
  }
}

function noteOf({ publishOnly, series }: FeedReport): string {
  if (publishOnly) return 'This node only publishes to this feed, so it has no readers here.';
  if (series.published.length > 0) return '';
  return `The inspector has started to record. The first values appear after ${age(series.intervalMs)}.`;
}
