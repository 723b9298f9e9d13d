/// <reference lib="dom" />
import { runtime } from '../../client/environment.js';
import type { NotificationStory } from '../../nest/explaining/notification-story.js';
import type { FeedReport, InspectorState } from '../inspector-report.js';
import { addressOf, hashOf, type PageAddress } from './page-address.js';
import { Poller } from './poller.js';
import { getJson } from './request.js';
import type { AskStory } from './story-card.js';
import { InspectorView } from './view.js';

/** The pause between two requests. The server may ask for a longer one. */
const POLL_MS = 2_000;

/** Shows the inspector on the page that has loaded this script. */
export function startInspector(): void {
  new InspectorPage().start();
}

/** Connects the view with the routes next to this script. */
class InspectorPage {
  readonly #view: InspectorView;
  readonly #poller: Poller<InspectorState>;
  #address: PageAddress = addressOf(location.hash);
  #state: InspectorState | undefined;

  constructor() {
    this.#view = new InspectorView(document.body, {
      ask: this.#ask,
      onFeed: (name) => this.#chooseFeed(name),
      onPause: () => (this.#poller.isPaused ? this.#poller.resume() : this.#poller.pause()),
      onRetry: () => this.#poller.poll(),
    });
    this.#poller = new Poller({
      environment: runtime,
      load: (signal) => getJson<InspectorState>(urlOf('state', {}), runtime.fetch, signal),
      onReport: (state) => this.#show(state),
      pauseMs: ({ refreshMs }) => Math.max(POLL_MS, refreshMs),
      onConnection: (connection) => this.#view.showConnection(connection),
    });
  }

  start(): void {
    this.#poller.start();
  }

  #show(state: InspectorState): void {
    const isFirst = this.#state === undefined;
    this.#state = state;
    this.#view.showState(state, this.#feed());
    // A link to a question asks it when the feeds are known.
    if (isFirst && this.#address.id !== '') this.#view.story.ask(this.#address);
  }

  #feed(): FeedReport | undefined {
    const feeds = this.#state?.feeds ?? [];
    return feeds.find(({ name }) => name === this.#address.feed) ?? feeds[0];
  }

  #chooseFeed(feed: string): void {
    this.#setAddress({ ...addressOf(''), feed });
    this.#view.story.clear();
    if (this.#state) this.#view.showState(this.#state, this.#feed());
  }

  readonly #ask: AskStory = async (question, signal) => {
    const feed = this.#feed()?.name;
    this.#setAddress({ ...question, feed });
    return getJson<NotificationStory>(urlOf('explain', { ...question, feed }), runtime.fetch, signal);
  };

  #setAddress(address: PageAddress): void {
    this.#address = address;
    history.replaceState(null, '', hashOf(address));
  }
}

/** The URL of a route. Values that are empty are left out. */
function urlOf(route: string, values: Readonly<Record<string, string | undefined>>): URL {
  const url = new URL(route, import.meta.url);
  for (const [name, value] of Object.entries(values)) if (value) url.searchParams.set(name, value);
  return url;
}
