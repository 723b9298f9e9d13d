import { Asker, isAborted, type Place } from '../asker.js';
import type { Delivery } from '../delivery.js';
import type { Channel, Environment, Locks } from '../environment.js';
import { FeedError } from '../errors.js';
import type { ConnectOptions, FeedState } from '../options.js';
import { FollowerBuffer } from './follower-buffer.js';
import { LeaderElection } from './leader-election.js';
import { type Message, type Report, TABS_VERSION } from './messages.js';
import { SeenIds } from './seen-ids.js';
import { TabChannel } from './tab-channel.js';

/** Polls by which a tab waits for what the leader has and the answering node has not: of 0, 1 and 2 seconds. */
const CATCH_UP_TRIES = 3;

/** The feed of one tab, as its group uses it. */
export interface Member {
  readonly options: ConnectOptions;
  readonly environment: Environment;
  /** The position up to which the tab has delivered. */
  readonly own: Place;
  /** Reads for the whole group while this tab leads. */
  readonly asker: Asker;
  /** Delivers to the tab's application, without what `seen` has. */
  deliver(delivery: Delivery, signal: AbortSignal, seen: SeenIds): Promise<void>;
  changed(): void;
  failed(error: unknown): void;
  /** The page cannot share; the tab reads for itself. */
  unavailable(): void;
}

interface Browser {
  readonly share: string;
  readonly locks: Locks;
  readonly channel: (name: string) => Channel;
}

/**
 * A tab's part in a group that shares one connection. The leader reads, and sends what it receives to all tabs, itself
 * included. Each tab delivers at its own pace and from its own position, so a slow application slows no other tab.
 *
 * A delivery says where it begins. A tab whose position differs has missed something, and reads it by itself. The same
 * holds for a tab that joins late, and after messages that are wrong. A tab whose leader does not answer leads itself.
 */
export class TabGroup {
  readonly #member: Member;
  readonly #channel: TabChannel;
  readonly #election: LeaderElection;
  readonly #leaving = new AbortController();
  readonly #unwatch: () => void;
  /** Reads what this tab has missed. */
  readonly #reader: Asker;
  readonly #seen = new SeenIds();
  /** Undefined when the tab has left. */
  #buffer: FollowerBuffer | undefined = new FollowerBuffer();
  /** Aborted when this tab ceases to lead; undefined while another tab leads. */
  #leading: AbortController | undefined;
  /** Ends when this tab has ceased to lead. */
  #reading: Promise<void> | undefined;
  /** The last notification that this tab has sent as leader. */
  #lastId: string | undefined;
  /** The leader's state, if another tab leads. */
  #state: FeedState | undefined;
  /** The last position that came from the server, or that two messages agree on. */
  #confirmed: string | undefined;

  /** Undefined where the runtime has no tabs, or without `share`. */
  static join(member: Member): TabGroup | undefined {
    const { locks, channel } = member.environment;
    const { share } = member.options;
    return share !== undefined && locks && channel ? new TabGroup(member, { share, locks, channel }) : undefined;
  }

  private constructor(member: Member, { share, locks, channel }: Browser) {
    const { environment, own, options } = member;
    this.#member = member;
    this.#confirmed = own.cursor;
    this.#reader = new Asker({ ...options, transport: 'poll' }, environment, own, {
      deliver: async (delivery, signal) => {
        await this.#deliver(delivery, signal);
        if (!signal.aborted) this.#confirmed = own.cursor;
      },
      changed: () => undefined,
    });
    this.#unwatch = environment.watch((event) => {
      // The user looks at this tab, and the leader may be frozen.
      if (event === 'visible' || event === 'woken') this.#buffer?.check();
    });
    // Feeds with other topics, and clients with other messages, are other groups.
    const topics = [...(options.topics ?? [])].sort();
    const name = `nest-notifications/${TABS_VERSION} ${JSON.stringify([share, ...topics])}`;
    this.#channel = new TabChannel(channel(name), environment, (message) => {
      this.#on(message);
    });
    this.#election = new LeaderElection(name, locks, {
      leads: () => {
        this.#lead();
      },
      deposed: () => {
        this.#follow();
      },
      unavailable: () => {
        member.unavailable();
      },
    });
  }

  /** The state of the connection, if another tab leads and has sent it. */
  get state(): FeedState | undefined {
    return this.#leading ? undefined : this.#state;
  }

  /** Takes what the asker has received. Only a leader asks. */
  deliver(delivery: Delivery, signal: AbortSignal): void {
    if (!this.#leading || signal.aborted) return;
    const { asker } = this.#member;
    const after = asker.place.cursor;
    asker.place.cursor = delivery.cursor;
    this.#lastId = SeenIds.lastOf(delivery) ?? this.#lastId;
    this.#channel.post({ type: 'delivery', after, delivery });
    this.#buffer?.push({ after, delivery });
  }

  /** Called when the state of this tab's asker has changed. */
  stateChanged(): void {
    if (this.#leading) this.#channel.post({ type: 'state', state: this.#member.asker.state });
  }

  /** Delivers once, after the tab has caught up with the leader. */
  async turn(): Promise<void> {
    const buffer = this.#buffer;
    if (!buffer) return;
    try {
      if (!buffer.isCaughtUp) await this.#catchUp(buffer);
      else await this.#deliverNext(buffer);
    } catch (error) {
      // A failing `onGap` is called again, with the reader's backoff.
      if (error instanceof FeedError && !this.#forgetsPosition(error)) throw error;
      buffer.isCaughtUp = false;
    }
  }

  /** Resolves when nothing is read for the group by this tab any more. */
  async leave(): Promise<void> {
    this.#buffer?.changed();
    this.#buffer = undefined;
    this.#unwatch();
    this.#leaving.abort();
    this.#reader.close();
    this.#stopLeading();
    this.#election.leave();
    this.#channel.close();
    await this.#reading;
    this.#member.asker.place = this.#member.own;
  }

  #on(message: Message): void {
    if (this.#leading) {
      if (message.type === 'ask') this.#channel.post(this.#report());
    } else if (message.type === 'delivery') this.#buffer?.push(message);
    else if (message.type !== 'ask') {
      this.#state = message.state;
      this.#member.changed();
      if (message.type === 'report') this.#channel.answered(message);
    }
  }

  /** Reads for all from here on, after what this tab has received. */
  #lead(): void {
    const { own } = this.#member;
    let cursor = this.#buffer?.end ?? own.cursor;
    if (!this.#buffer?.isCaughtUp) {
      // Something before the buffered deliveries is missing.
      cursor = this.#confirmed ?? own.cursor;
      this.#buffer?.changed();
      this.#buffer = new FollowerBuffer();
      this.#buffer.isCaughtUp = true;
      this.#buffer.joinsAt = cursor;
    }
    this.#leading = new AbortController();
    this.#reading = this.#read({ cursor }, this.#leading.signal);
    this.#channel.answered();
    // Without this, tabs that asked before there was a leader would wait in vain.
    this.#channel.post(this.#report());
    this.#member.changed();
  }

  /** Another tab has taken over, because this one did not answer in time. */
  #follow(): void {
    this.#stopLeading();
    this.#state = undefined;
    this.#buffer?.check();
    this.#member.changed();
  }

  #stopLeading(): void {
    if (!this.#leading) return;
    this.#leading.abort();
    this.#leading = undefined;
    this.#member.asker.interrupt();
  }

  async #read(place: Place, signal: AbortSignal): Promise<void> {
    const { asker } = this.#member;
    asker.place = place;
    try {
      while (!signal.aborted && !asker.isClosed) await asker.turn();
    } catch (error) {
      if (!isAborted(signal)) this.#member.failed(error);
    }
  }

  #report(): Report {
    const { asker } = this.#member;
    const lastId = this.#lastId ?? this.#seen.lastId;
    return { type: 'report', cursor: asker.place.cursor, lastId, state: asker.state };
  }

  #deliver(delivery: Delivery, signal: AbortSignal): Promise<void> {
    return this.#member.deliver(delivery, signal, this.#seen);
  }

  async #deliverNext(buffer: FollowerBuffer): Promise<void> {
    const { own, environment } = this.#member;
    const next = buffer.next();
    if (!next) {
      const isNew = await buffer.whenChanged(environment);
      // A leader that is silent for so long may be frozen, and keeps its lock.
      if (!isNew && !this.#leading) buffer.isCaughtUp = false;
      return;
    }
    const follows = next.after === own.cursor;
    // A leader without a position begins with its first answer, so notifications before that may be missing.
    if (!follows && (next.after === undefined || next.after !== buffer.joinsAt)) {
      buffer.isCaughtUp = false;
      return;
    }
    if (follows) this.#confirmed = own.cursor;
    buffer.joinsAt = undefined;
    await this.#deliver(next.delivery, this.#leaving.signal);
    if (this.#leading) this.#confirmed = own.cursor;
  }

  /**
   * Reads what lies between this tab's position and the leader's, while deliveries of the leader are buffered. The
   * leader's last notification must be among it, as the node that answers this tab may lag behind.
   */
  async #catchUp(buffer: FollowerBuffer): Promise<void> {
    const { own } = this.#member;
    const report = this.#leading ? this.#report() : await this.#channel.askLeader();
    if (this.#buffer !== buffer) return;
    buffer.clear();
    if (!report) {
      if (!this.#leading) this.#election.takeOver();
      return;
    }
    buffer.isCaughtUp = true;
    if (own.cursor === undefined) {
      own.cursor = report.cursor;
      this.#member.changed();
    }
    if (own.cursor === report.cursor) return;
    buffer.joinsAt = report.cursor;
    // The tab's own position may come from a wrong message.
    own.cursor = this.#confirmed ?? own.cursor;
    for (let empty = 0; empty < CATCH_UP_TRIES;) {
      const event = await this.#reader.turn(empty * 1000);
      if (this.#buffer !== buffer) return;
      if (event?.type !== 'answered') {
        buffer.isCaughtUp = false;
        return;
      }
      if (!event.more && (report.lastId === undefined || this.#seen.has(report.lastId))) return;
      if (!event.more) empty++;
    }
  }

  /** Goes back to the confirmed position when the server does not know one that came from another tab. */
  #forgetsPosition(error: FeedError): boolean {
    const { own } = this.#member;
    if (error.code !== 'cursor_invalid' || own.cursor === this.#confirmed) return false;
    own.cursor = this.#confirmed;
    return true;
  }
}
