import { Asker, type Place } from './asker.js';
import type { Environment } from './environment.js';
import { Following } from './following.js';
import type { ConnectOptions, FeedState } from './options.js';
import { Recent } from './recent.js';
import type { Delivery } from './delivery.js';
import { type Here, type TabEnvironment, type TabEvents, Tabs } from './tabs.js';

/** Polls that a tab waits for what its leader has and the node that answers does not: 0, 1 and 2 seconds. */
const CATCH_UP_TRIES = 3;

/** What a tab brings into its group. */
export interface Member {
  readonly options: ConnectOptions;
  readonly environment: Environment;
  /** Up to where it has handed over. */
  readonly own: Place;
  /** Asks for the tab when it is alone, and for all when it leads. */
  readonly asker: Asker;
  /** Leaves out what the tab has had already. */
  deliver(delivery: Delivery, signal: AbortSignal, recent: Recent): Promise<void>;
  changed(): void;
  failed(error: unknown): void;
}

/**
 * A tab's part in a group that shares a feed. Every tab hands over what it is told, at its own pace and from its own place; the one that leads
 * asks besides, and tells all of them, itself among them, however slow its own application is.
 */
export class Group implements TabEvents {
  readonly #member: Member;
  readonly #tabs: Tabs;
  /** Reads what this tab has not been told. */
  readonly #reader: Asker;
  readonly #recent = new Recent();
  /** Undefined while it asks for itself, because no leader answers. */
  #following: Following | undefined = new Following();
  #leading: Promise<void> | undefined;
  /** The last notification that it has told as leader. */
  #lastId: string | undefined;
  #state: FeedState | undefined;

  private constructor(name: string, member: Member, environment: TabEnvironment) {
    this.#member = member;
    this.#reader = new Asker({ ...member.options, transport: 'poll' }, environment, member.own, {
      deliver: (delivery, signal) => this.#handOver(delivery, signal),
      changed: () => undefined,
    });
    this.#tabs = new Tabs(`nest-notifications ${name}`, environment, this);
  }

  /** Undefined where the runtime has no tabs. */
  static join(name: string, member: Member): Group | undefined {
    const { locks, channel } = member.environment;
    return locks && channel && new Group(name, member, { ...member.environment, locks, channel });
  }

  /** Whether it is told what comes; otherwise the feed asks for itself. */
  get isFollowing(): boolean {
    return this.#following !== undefined;
  }

  /** What the leader says of the connection, if another tab leads. */
  get state(): FeedState | undefined {
    return this.#leading ? undefined : this.#state;
  }

  /** Takes what has come in the asker's name: to be told to all by the leader, otherwise for this tab alone. */
  deliver(delivery: Delivery, signal: AbortSignal): Promise<void> | void {
    const { asker } = this.#member;
    if (!this.#leading) return this.#handOver(delivery, signal);
    if (signal.aborted) return undefined;
    const after = asker.place.cursor;
    asker.place.cursor = delivery.cursor;
    this.#lastId = Recent.lastOf(delivery) ?? this.#lastId;
    this.#tabs.post({ type: 'delivery', after, delivery });
    this.told(after, delivery);
    return undefined;
  }

  /** The state of this tab's asker has changed. */
  tellState(): void {
    if (this.#leading) this.#tabs.post({ type: 'state', state: this.#member.asker.state });
  }

  /** Takes one thing that was told, after having caught up with the leader. */
  async turn(): Promise<void> {
    const following = this.#following;
    if (!following) return;
    if (!following.isCaughtUp) await this.#catchUp(following);
    if (this.#following !== following) return;
    const next = following.next();
    if (!next) {
      const heard = await following.whenTold(this.#member.environment);
      // A leader that says nothing for so long may be gone without its lock.
      if (!heard && !this.#leading) following.isCaughtUp = false;
      // What came before the first answer of a leader without a place is not known to it.
    } else if (next.after === this.#member.own.cursor || (following.isJoining && next.after)) {
      following.isJoining = false;
      await this.#handOver(next.delivery, this.#tabs.signal);
    } else following.isCaughtUp = false;
  }

  /** Resolves when nothing is asked in its name any more. */
  async leave(): Promise<void> {
    this.#following?.changed();
    this.#following = undefined;
    this.#tabs.leave();
    this.#reader.close();
    if (this.#leading) this.#member.asker.interrupt();
    await this.#leading;
    this.#member.asker.place = this.#member.own;
  }

  /** Asks for all from here on, going on behind what it has been told. */
  leads(): void {
    const { asker, own } = this.#member;
    if (!this.#following) asker.interrupt();
    const place = { cursor: this.#following?.end ?? own.cursor };
    if (!this.#following?.isCaughtUp) {
      this.#following?.changed();
      this.#following = new Following();
      this.#following.isCaughtUp = this.#following.isJoining = true;
    }
    this.#leading = this.#ask(place);
    this.#member.changed();
  }

  told(after: string | undefined, delivery: Delivery): void {
    this.#following?.push({ after, delivery });
  }

  heard(state: FeedState): void {
    this.#state = state;
    this.#member.changed();
  }

  here(): Here {
    const { asker } = this.#member;
    const lastId = this.#lastId ?? this.#recent.lastId;
    return { type: 'here', cursor: asker.place.cursor, lastId, state: asker.state };
  }

  #handOver(delivery: Delivery, signal: AbortSignal): Promise<void> {
    return this.#member.deliver(delivery, signal, this.#recent);
  }

  async #ask(place: Place): Promise<void> {
    const { asker } = this.#member;
    try {
      asker.place = place;
      while (this.#following && !asker.isClosed) await asker.turn();
    } catch (error) {
      this.#member.failed(error);
    }
  }

  /**
   * Gets by itself what lies between its own place and the leader's. What the leader tells meanwhile is held back, and what comes twice is left
   * out; the last one that the leader has got must be among it, as the node that answers here may be behind.
   */
  async #catchUp(following: Following): Promise<void> {
    const { own } = this.#member;
    const here = this.#leading ? this.here() : await this.#tabs.whereIsLeader();
    if (this.#following !== following) return;
    following.clear();
    if (!here) {
      // On its own from here on, until it leads.
      this.#following = undefined;
      return;
    }
    if (!this.#leading) this.heard(here.state);
    following.isCaughtUp = true;
    own.cursor ??= here.cursor;
    following.isJoining = own.cursor !== here.cursor;
    if (!following.isJoining) return;
    for (let empty = 0; empty < CATCH_UP_TRIES;) {
      const event = await this.#reader.turn(empty * 1000);
      if (this.#following !== following) return;
      if (event?.type !== 'answered') {
        following.isCaughtUp = false;
        return;
      }
      if (!event.more && (here.lastId === undefined || this.#recent.has(here.lastId))) return;
      if (!event.more) empty++;
    }
  }
}
