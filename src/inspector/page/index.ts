/// <reference lib="dom" />
import { runtime } from '../../client/environment.js';
import type { NotificationStory } from '../../nest/explaining/notification-story.js';
import type { InspectorState } from '../inspector-report.js';
import { addressOf, hashOf, type PageAddress } from './page-address.js';
import { Poller } from './poller.js';
import { getJson, RequestFailure } from './request.js';
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
  #hasReport = false;

  constructor() {
    this.#view = new InspectorView(document.body, {
      ask: this.#ask,
      onFeed: (name) => this.#chooseFeed(name),
      onPause: () => (this.#poller.isPaused ? this.#poller.resume() : this.#poller.pause()),
      onRetry: () => this.#poller.loadNow(),
    });
    this.#poller = new Poller({
      environment: runtime,
      load: (signal) => stateOf(this.#address.feed, signal),
      onReport: (state) => this.#show(state),
      pauseMs: ({ refreshMs }) => Math.max(POLL_MS, refreshMs),
      onConnection: (connection) => this.#view.showConnection(connection),
    });
  }

  start(): void {
    this.#poller.start();
  }

  #show(state: InspectorState): void {
    const [feed] = state.feeds;
    this.#address = { ...this.#address, feed: feed?.name };
    this.#view.showState(state, feed);
    // If the address has a question, the page asks it after the first report.
    if (!this.#hasReport && this.#address.id !== '') this.#view.story.ask(this.#address);
    this.#hasReport = true;
  }

  #chooseFeed(feed: string): void {
    this.#setAddress({ ...addressOf(''), feed });
    this.#view.story.clear();
    this.#view.showLoading();
    this.#poller.loadNow();
  }

  readonly #ask: AskStory = async (question, signal) => {
    const { feed } = this.#address;
    this.#setAddress({ ...question, feed });
    return getJson<NotificationStory>(urlOf('explain', { ...question, feed }), runtime.fetch, signal);
  };

  #setAddress(address: PageAddress): void {
    this.#address = address;
    history.replaceState(null, '', hashOf(address));
  }
}

/** The report of one feed. Without a name, or with an unknown one, the reports of all feeds. */
async function stateOf(feed: string | undefined, signal: AbortSignal): Promise<InspectorState> {
  try {
    return await getJson(urlOf('state', { feed }), runtime.fetch, signal);
  } catch (error) {
    const isUnknown = feed !== undefined && error instanceof RequestFailure && error.field === 'feed';
    if (!isUnknown) throw error;
    return getJson(urlOf('state', {}), runtime.fetch, signal);
  }
}

/** The URL of a route. Values that are empty are left out. */
function urlOf(route: string, values: Readonly<Record<string, string | undefined>>): URL {
  const url = new URL(route, import.meta.url);
  for (const [name, value] of Object.entries(values)) if (value) url.searchParams.set(name, value);
  return url;
}
