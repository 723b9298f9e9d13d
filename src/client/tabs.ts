import type { Channel, Environment, Locks } from './environment.js';
import type { FeedState } from './options.js';
import type { Delivery } from './delivery.js';

/** How far the leader is, and the last notification that it has got. */
export interface Here {
  readonly type: 'here';
  readonly cursor: string | undefined;
  readonly lastId: string | undefined;
  readonly state: FeedState;
}

/** What tabs tell each other. */
type Message =
  | { readonly type: 'hello' }
  | Here
  | { readonly type: 'delivery'; readonly after: string | undefined; readonly delivery: Delivery }
  | { readonly type: 'state'; readonly state: FeedState };

/** What a feed is told by the tab that asks for all. */
export interface TabEvents {
  /** This tab asks from now on. */
  leads(): void;
  /** What the leader has got; `after` is where it was before. */
  told(after: string | undefined, delivery: Delivery): void;
  heard(state: FeedState): void;
  /** How far this one, the leader, is. */
  here(): Here;
}

/** A runtime that has tabs. */
export type TabEnvironment = Environment & { readonly locks: Locks; readonly channel: (name: string) => Channel };

/** A leader that does not answer in this time is suspended, and no use. */
const ANSWER_MS = 1_500;

/**
 * Tabs of one browser that share a feed. The leader is whoever holds a lock (Web Locks), which the browser gives to the next one when its tab goes; it
 * tells the others what it gets (BroadcastChannel).
 */
export class Tabs {
  /** Aborted when this tab leaves. */
  readonly signal: AbortSignal;
  readonly #environment: TabEnvironment;
  readonly #channel: Channel;
  readonly #events: TabEvents;
  readonly #leaving = new AbortController();
  #release = (): void => undefined;
  #answered: ((here?: Here) => void) | undefined;
  #isLeader = false;

  constructor(name: string, environment: TabEnvironment, events: TabEvents) {
    this.#environment = environment;
    this.#events = events;
    this.signal = this.#leaving.signal;
    this.#channel = environment.channel(name);
    this.#channel.onmessage = ({ data }) => {
      this.#on(data as Message);
    };
    const lead = (): Promise<void> => {
      this.#isLeader = true;
      this.#answered?.();
      events.leads();
      return new Promise((resolve) => (this.#release = resolve));
    };
    // Who leaves before it leads does not wait for the lock any more.
    environment.locks.request(name, { signal: this.signal }, lead).catch(() => undefined);
  }

  /** Asks the leader how far it is; undefined if it does not say. */
  whereIsLeader(): Promise<Here | undefined> {
    return new Promise((resolve) => {
      const timer = this.#environment.setTimeout(() => this.#answered?.(), ANSWER_MS);
      this.#answered = (here) => {
        this.#environment.clearTimeout(timer);
        resolve(here);
      };
      this.post({ type: 'hello' });
    });
  }

  /** Tells the others; only the leader has something to say. */
  post(message: Message): void {
    this.#channel.postMessage(message);
  }

  leave(): void {
    this.#leaving.abort();
    this.#answered?.();
    this.#release();
    this.#channel.close();
  }

  #on(message: Message): void {
    if (message.type === 'hello') {
      if (this.#isLeader) this.post(this.#events.here());
    } else if (this.#isLeader) return;
    else if (message.type === 'here') this.#answered?.(message);
    else if (message.type === 'delivery') this.#events.told(message.after, message.delivery);
    else this.#events.heard(message.state);
  }
}
