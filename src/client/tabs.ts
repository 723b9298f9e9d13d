import type { Channel, Environment, Locks } from './environment.js';
import type { FeedState } from './options.js';
import type { Delivery } from './requests.js';

/** What tabs tell each other. */
type Message =
  | { readonly type: 'hello' }
  /** How far the leader is, and the last notification that it has got. */
  | {
      readonly type: 'here';
      readonly cursor: string | undefined;
      readonly lastId: string | undefined;
      readonly state: FeedState;
    }
  | { readonly type: 'delivery'; readonly after: string | undefined; readonly delivery: Delivery }
  | { readonly type: 'state'; readonly state: FeedState };

/** How far the leader is. */
export type Here = Extract<Message, { type: 'here' }>;

/** What a feed is told by the tab that asks for all. */
export interface TabEvents {
  /** This tab asks from now on. */
  leads(): void;
  /** What the leader has got; `after` is where it was before. */
  delivery(after: string | undefined, delivery: Delivery): void;
  state(state: FeedState): void;
  /** Somebody wants to know how far this one, the leader, is. */
  asked(): Omit<Here, 'type'>;
}

/** A leader that does not answer in this time is suspended, and no use. */
const ANSWER_MS = 1_500;

/**
 * Tabs of one browser that share a feed. The leader is whoever holds a lock (Web Locks), which the browser gives to the next one when its tab goes; it
 * tells the others what it gets (BroadcastChannel).
 */
export class Tabs {
  readonly #environment: Environment;
  readonly #channel: Channel;
  readonly #events: TabEvents;
  readonly #leaving = new AbortController();
  #release = (): void => undefined;
  #here: ((here: Here | undefined) => void) | undefined;
  isLeader = false;

  private constructor(
    name: string,
    environment: Environment & { readonly locks: Locks; readonly channel: (name: string) => Channel },
    events: TabEvents,
  ) {
    this.#environment = environment;
    this.#events = events;
    this.#channel = environment.channel(name);
    this.#channel.onmessage = ({ data }) => {
      this.#on(data as Message);
    };
    const lead = (): Promise<void> => {
      this.isLeader = true;
      events.leads();
      return new Promise((resolve) => (this.#release = resolve));
    };
    // Who leaves before it leads does not wait for the lock any more.
    environment.locks.request(name, { signal: this.#leaving.signal }, lead).catch(() => undefined);
  }

  /** Undefined where the runtime has no tabs. */
  static join(name: string, environment: Environment, events: TabEvents): Tabs | undefined {
    const { locks, channel } = environment;
    return locks && channel && new Tabs(`nest-notifications ${name}`, { ...environment, locks, channel }, events);
  }

  /** Asks the leader how far it is; undefined if it does not say. */
  whereIsLeader(): Promise<Here | undefined> {
    return new Promise((resolve) => {
      const timer = this.#environment.setTimeout(() => this.#here?.(undefined), ANSWER_MS);
      this.#here = (here) => {
        this.#environment.clearTimeout(timer);
        this.#here = undefined;
        resolve(here);
      };
      this.#post({ type: 'hello' });
    });
  }

  /** The leader has got something. */
  tell(after: string | undefined, delivery: Delivery): void {
    this.#post({ type: 'delivery', after, delivery });
  }

  tellState(state: FeedState): void {
    this.#post({ type: 'state', state });
  }

  leave(): void {
    this.#here?.(undefined);
    this.#leaving.abort();
    this.#release();
    this.#channel.close();
    this.isLeader = false;
  }

  #on(message: Message): void {
    if (message.type === 'hello') {
      if (this.isLeader) this.#post({ type: 'here', ...this.#events.asked() });
    } else if (this.isLeader) return;
    else if (message.type === 'here') this.#here?.(message);
    else if (message.type === 'delivery') this.#events.delivery(message.after, message.delivery);
    else this.#events.state(message.state);
  }

  #post(message: Message): void {
    this.#channel.postMessage(message);
  }
}
