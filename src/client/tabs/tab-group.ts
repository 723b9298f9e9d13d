import type { FeedState } from '../connection-state.js';
import type { Delivery } from '../delivery.js';
import { FeedError } from '../errors.js';
import type { FeedSharing, MemberConnection, SharedConnection, SharingMember } from '../sharing.js';
import type { BrowserApis, Channel, Locks } from './browser-apis.js';
import { FollowerBuffer } from './follower-buffer.js';
import { LeaderElection } from './leader-election.js';
import { Leadership } from './leadership.js';
import { type Message, TABS_VERSION } from './messages.js';
import { SeenIds } from './seen-ids.js';
import { TabChannel } from './tab-channel.js';

/**
 * A node that answers this tab may lag behind the leader's node. The tab polls this many times for
 * the leader's last notification, with waits of 0, 1 and 2 s. Pages with `more` do not count.
 */
const CATCH_UP_TRIES = 3;
/**
 * A visible tab takes over from a hidden leader within this time. The jitter avoids two takeovers.
 */
const TAKE_OVER_MS = 500;

interface Group {
  readonly name: string;
  readonly locks: Locks;
  readonly openChannel: (name: string) => Channel;
}

/** Shares the connections of feeds through the browser's locks and channels. */
export function shareThrough(apis: BrowserApis, name: string): FeedSharing {
  const { locks, openChannel } = apis;
  return {
    name,
    join: (member) => locks && openChannel && new TabGroup(member, { name, locks, openChannel }),
  };
}

/**
 * A tab's part in a group that shares one connection. The leader reads, and sends its deliveries to
 * all tabs, itself included. Each tab delivers at its own speed and from its own position, so a
 * slow application does not slow other tabs.
 *
 * Each delivery has the position at which it begins. A tab whose position differs has missed
 * something and reads it from the server. The same happens when a tab joins late or receives a
 * wrong message. A tab whose leader does not answer becomes the leader.
 */
class TabGroup implements SharedConnection {
  readonly #member: SharingMember;
  readonly #channel: TabChannel;
  readonly #election: LeaderElection;
  readonly #leadership: Leadership;
  readonly #leaving = new AbortController();
  readonly #unwatch: () => void;
  /** Reads what this tab has missed. */
  readonly #reader: MemberConnection;
  readonly #seen = new SeenIds();
  /** Undefined when the tab has left. */
  #buffer: FollowerBuffer | undefined = new FollowerBuffer();
  /** The leader's state, if another tab leads. */
  #leaderState: FeedState | undefined;
  #takeOverTimer: unknown;
  /** The last position from the server, or from two messages that agree about it. */
  #confirmed: string | undefined;

  constructor(member: SharingMember, { name, locks, openChannel }: Group) {
    const { environment, own, options } = member;
    this.#member = member;
    this.#confirmed = own.cursor;
    this.#reader = member.pollOwn({
      deliver: async (delivery, signal) => {
        await this.#deliver(delivery, signal);
        if (!signal.aborted) this.#confirmed = own.cursor;
      },
      stateChanged: () => undefined,
    });
    this.#unwatch = environment.watch((event) => {
      // The user sees this tab now, and the leader may be frozen.
      if (event === 'visible' || event === 'resumed') this.#buffer?.check();
    });
    // Feeds with other topics or formats, and clients with other messages, do not share.
    const topics = [...(options.topics ?? [])].sort();
    const version = `${TABS_VERSION}${options.format?.name ?? ''}`;
    const groupName = `nest-notifications/${version} ${JSON.stringify([name, ...topics])}`;
    this.#channel = new TabChannel(openChannel(groupName), environment, (message) => {
      this.#onMessage(message);
    });
    this.#leadership = new Leadership(member, this.#channel);
    this.#election = new LeaderElection(groupName, locks, {
      elected: () => {
        this.#lead();
      },
      replaced: () => {
        this.#follow();
      },
      unavailable: () => {
        member.unavailable();
      },
    });
  }

  get state(): FeedState | undefined {
    return this.#leadership.isActive ? undefined : this.#leaderState;
  }

  deliver(delivery: Delivery, signal: AbortSignal): void {
    if (this.#leadership.isActive && !signal.aborted) this.#leadership.deliver(delivery, this.#buffer);
  }

  stateChanged(): void {
    if (this.#leadership.isActive) this.#channel.post({ type: 'state', state: this.#member.connection.state });
  }

  async turn(): Promise<void> {
    const buffer = this.#buffer;
    if (!buffer) return;
    try {
      if (!buffer.isCaughtUp) await this.#catchUp(buffer);
      else await this.#deliverNext(buffer);
    } catch (error) {
      // If `onGap` has failed, `#reader` reads the gap again, with a backoff between its attempts.
      if (error instanceof FeedError && !this.#restoresPosition(error)) throw error;
      buffer.isCaughtUp = false;
    }
  }

  async leave(): Promise<void> {
    this.#buffer?.changed();
    this.#buffer = undefined;
    this.#unwatch();
    this.#leaving.abort();
    this.#cancelTakeOver();
    this.#reader.close();
    this.#leadership.stop();
    this.#election.leave();
    this.#channel.close();
    await this.#leadership.whenStopped();
    this.#member.connection.position = this.#member.own;
  }

  #onMessage(message: Message): void {
    if (this.#leadership.isActive) {
      if (message.type === 'ask') this.#report();
    } else if (message.type === 'delivery') this.#buffer?.push(message);
    else if (message.type !== 'ask') {
      this.#leaderState = message.state;
      this.#member.changed();
      this.#replaceHiddenLeader();
      if (message.type === 'report') this.#channel.endRequest(message);
    }
  }

  /**
   * Starts to read for all tabs. Reading continues after the last delivery that this tab has
   * received.
   */
  #lead(): void {
    const { own } = this.#member;
    let cursor = this.#buffer?.end ?? own.cursor;
    if (!this.#buffer?.isCaughtUp) {
      // Notifications before the buffered deliveries are missing.
      cursor = this.#confirmed ?? own.cursor;
      this.#buffer?.changed();
      this.#buffer = new FollowerBuffer();
      this.#buffer.isCaughtUp = true;
      this.#buffer.joinsAt = cursor;
    }
    this.#cancelTakeOver();
    this.#leadership.start({ cursor });
    this.#channel.endRequest();
    // Tabs may have requested a report while no tab was leading.
    this.#report();
    this.#member.changed();
  }

  /** Another tab leads from now on: this tab was frozen or hidden, or did not answer in time. */
  #follow(): void {
    this.#leadership.stop();
    this.#leaderState = undefined;
    this.#buffer?.check();
    this.#member.changed();
  }

  /** A hidden leader pauses between its polls, so a visible tab reads instead. */
  #replaceHiddenLeader(): void {
    const { environment } = this.#member;
    this.#cancelTakeOver();
    if (this.#leaderState?.reason !== 'hidden' || environment.isHidden()) return;
    this.#takeOverTimer = environment.setTimeout(() => {
      this.#election.takeOver();
    }, environment.random() * TAKE_OVER_MS);
  }

  #cancelTakeOver(): void {
    this.#member.environment.clearTimeout(this.#takeOverTimer);
  }

  #report(): void {
    this.#channel.post(this.#leadership.report(this.#seen.lastId));
  }

  #deliver(delivery: Delivery, signal: AbortSignal): Promise<void> {
    return this.#member.deliver(delivery, signal, (unfiltered) => this.#seen.filter(unfiltered));
  }

  async #deliverNext(buffer: FollowerBuffer): Promise<void> {
    const { own, environment } = this.#member;
    const next = buffer.next();
    if (!next) {
      const hasNew = await buffer.whenChanged(environment);
      // The leader may be frozen, and then it still holds its lock.
      if (!hasNew && !this.#leadership.isActive) buffer.isCaughtUp = false;
      return;
    }
    const isNext = next.after === own.cursor;
    // A leader without a position starts at its first answer, so earlier notifications may be
    // missing.
    if (!isNext && (next.after === undefined || next.after !== buffer.joinsAt)) {
      buffer.isCaughtUp = false;
      return;
    }
    if (isNext) this.#confirmed = own.cursor;
    buffer.joinsAt = undefined;
    await this.#deliver(next.delivery, this.#leaving.signal);
    if (this.#leadership.isActive) this.#confirmed = own.cursor;
  }

  /**
   * Reads everything between this tab's position and the leader's, while the buffer collects the
   * leader's deliveries. The tab continues when it has read the leader's last notification.
   */
  async #catchUp(buffer: FollowerBuffer): Promise<void> {
    const { own } = this.#member;
    const isLeader = this.#leadership.isActive;
    const report = isLeader ? this.#leadership.report(this.#seen.lastId) : await this.#channel.requestReport();
    if (this.#buffer !== buffer) return;
    buffer.clear();
    if (!report) {
      if (!this.#leadership.isActive) this.#election.takeOver();
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
      if (!event.hasMore && (report.lastId === undefined || this.#seen.has(report.lastId))) return;
      if (!event.hasMore) empty++;
    }
  }

  /** If the server rejects a position that came from another tab, returns to the confirmed one. */
  #restoresPosition(error: FeedError): boolean {
    const { own } = this.#member;
    if (error.code !== 'cursor_invalid' || own.cursor === this.#confirmed) return false;
    own.cursor = this.#confirmed;
    return true;
  }
}
