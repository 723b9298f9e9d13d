import { button, element, icon, setAttributes, setText, show } from '../../client/inbox-element/dom.js';
import type { InspectorState } from '../inspector-report.js';
import { bannerTextOf, shortTextOf } from './connection-text.js';
import { age, clockTime } from './formats.js';
import { readable } from './names.js';
import type { Connection } from './poller.js';

const PULSE = 'M3 12h4l3 8 4-16 3 8h4';

export interface HeaderActions {
  readonly onFeed: (name: string) => void;
  readonly onPause: () => void;
  readonly onRetry: () => void;
  readonly onStory: () => void;
}

/** The title, the choice of the feed, the state of the connection, and its banner. */
export class Header {
  readonly root: HTMLElement;
  readonly banner: HTMLElement;
  readonly #feed: HTMLSelectElement;
  readonly #feedLabel: HTMLElement;
  readonly #node = element('span', { class: 'muted node' });
  readonly #pill = element('span', { class: 'pill', id: 'connection', role: 'status' });
  readonly #pause: HTMLButtonElement;
  readonly #bannerText = element('p', { role: 'alert' });

  constructor({ onFeed, onPause, onRetry, onStory }: HeaderActions) {
    this.#feed = element('select', { id: 'feed' });
    this.#feed.addEventListener('change', () => onFeed(this.#feed.value));
    this.#feedLabel = element('label', { class: 'feed' }, 'Feed', this.#feed);
    this.#pause = button({ class: 'quiet' }, onPause, 'Pause');
    const title = element('h1', {}, element('span', { class: 'brand' }, icon(PULSE)), 'Notifications inspector');
    const story = button({ class: 'quiet' }, onStory, 'Look up');
    this.root = element('header', { class: 'top' }, title, this.#pill, this.#feedLabel, this.#node, story, this.#pause);
    this.banner = element('div', { class: 'banner' }, this.#bannerText, button({}, onRetry, 'Try now'));
    show(this.banner, false);
    show(this.#feedLabel, false);
  }

  showConnection(connection: Connection): void {
    setText(this.#pill, shortTextOf(connection));
    setAttributes(this.#pill, { 'data-state': connection.state });
    setText(this.#pause, connection.state === 'paused' ? 'Resume' : 'Pause');
    const text = bannerTextOf(connection);
    show(this.banner, text !== undefined);
    setText(this.#bannerText, text ?? '');
  }

  showState({ feedNames, time, startedAt }: InspectorState, chosen: string): void {
    const shown = Array.from(this.#feed.options, ({ value }) => value);
    if (feedNames.join('\n') !== shown.join('\n')) {
      this.#feed.replaceChildren(...feedNames.map((name) => element('option', { value: name }, readable(name))));
    }
    this.#feed.value = chosen;
    show(this.#feedLabel, feedNames.length > 1);
    const timeMs = Date.parse(time);
    setText(this.#node, `node up ${age(timeMs - Date.parse(startedAt))}, updated ${clockTime(timeMs)}`);
  }
}
