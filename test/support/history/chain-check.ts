import {
  type Answer,
  type ClientHistory,
  isAnswer,
  type Logged,
  type ProblemKind,
  type Publish,
  type Waiting,
} from './history.js';
import { type Knowledge, mayLack } from './knowledge.js';
import { RightsOf } from './rights.js';

type Notification = Answer['notifications'][number];

/** The position up to which a topic is delivered. */
interface Covered {
  /**
   * Undefined if the position is unknown. Then notifications published after `sinceMs` follow it.
   */
  readonly position?: number | undefined;
  readonly sinceMs: number;
}

/** Checks one chain of a client, answer by answer. */
export class ChainCheck {
  readonly #known: Knowledge;
  readonly #rights: RightsOf;
  readonly #report: (kind: ProblemKind, what: string) => void;
  readonly #seen = new Set<string>();
  /** The ids that were reported as lost. */
  readonly #missed = new Set<string>();
  readonly #covered = new Map<string, Covered>();
  /** The number of notifications that the client had received when it got a cursor. */
  readonly #cursors = new Map<string, number>();
  #last: Answer | undefined;
  /** The received notifications with the highest position, of each topic or of all topics. */
  readonly #newest = new Map<string, Logged>();
  #calledLast: { id: string; calledMs: number } | undefined;

  constructor(known: Knowledge, client: ClientHistory, report: (kind: ProblemKind, what: string) => void) {
    this.#known = known;
    this.#rights = new RightsOf(client);
    this.#report = report;
  }

  take(event: Answer | Waiting): void {
    if (!isAnswer(event)) {
      this.#checkLate(event);
      return;
    }
    this.#begin(event);
    for (const notification of event.notifications) this.#checkOne(notification, event);
    this.#checkKeys(event);
    this.#checkPlace(event);
    this.#checkMissing(event);
    if (event.notifications.length === 0 && !event.gap && !event.isPlaceOnly) {
      this.#checkLate(event);
      this.#checkCursorMoves(event);
    }
    this.#cover(event);
    this.#cursors.set(event.cursor, this.#seen.size);
    this.#last = event;
  }

  /** The client has read to the end: no notification may be missing. */
  finish(): void {
    const last = this.#last;
    if (!last) return;
    const log = this.#known.orders.logOf(last);
    for (const topic of last.topics) {
      const covered = this.#covered.get(topic);
      if (!covered || this.#rights.disturbs(topic, last)) continue;
      for (const due of this.#due(log, topic, covered)) {
        if (!mayLack(this.#known, log, due, last)) this.#report('lost', `${topic} ${due.id} never came`);
      }
      for (const { id, calledMs, acknowledgedMs, ...publish } of this.#known.publishes.values()) {
        const isDue = publish.topic === topic && acknowledgedMs !== undefined && calledMs > covered.sinceMs;
        const isUnknown = !this.#known.orders.areWhole && !this.#known.orders.entry(log, id);
        if (isDue && isUnknown && !this.#seen.has(id)) this.#report('lost', `${topic} ${id} never came`);
      }
    }
  }

  /**
   * The position that an answer continues from. After a gap, the client continues from a new
   * position.
   */
  #begin(event: Answer): void {
    const { topics, from, askedMs, atMs, gap, place } = event;
    const log = this.#known.orders.logOf(event);
    const before = this.#last;
    const moved = before !== undefined && this.#isElsewhere(before, log);
    if (moved && gap !== 'reset')
      this.#report('silent gap', `${nameOf(before)} was of another log than ${nameOf(event)}`);
    const isAfterLoss = !moved && before?.place !== undefined && this.#known.orders.isAfterLoss(log, before.place);
    if (isAfterLoss && !gap) this.#report('silent gap', `a failover lost entries before ${nameOf(event)}`);
    if (gap) this.#checkGap(event, moved || isAfterLoss);
    if (moved || gap === 'reset') this.#startOver();
    if (gap && !place) this.#covered.clear();
    for (const topic of this.#covered.keys()) if (!topics.includes(topic)) this.#covered.delete(topic);
    // A client without a position gets one with the first answer. Later notifications follow this
    // position.
    const isStart = from === 'earliest' && !before && (place !== undefined || !gap);
    const sinceMs = isStart ? -Infinity : gap || (!before && from === 'latest') ? atMs : askedMs;
    const position = isStart || (place && gap === 'reset') ? 0 : moved ? undefined : before?.place?.position;
    for (const topic of topics) if (!this.#covered.has(topic)) this.#covered.set(topic, { position, sinceMs });
  }

  /** True if the position of an answer is not valid in a log. */
  #isElsewhere(answer: Answer, log: string): boolean {
    const { orders } = this.#known;
    return answer.place ? !orders.continues(log, answer.place) : orders.logOf(answer) !== log;
  }

  /** @param isGrounded true if a failover explains the gap */
  #checkGap(event: Answer, isGrounded: boolean): void {
    const { gap, atMs, place } = event;
    const before = this.#last;
    const what = `${gap} before ${nameOf(event)}`;
    if (!this.#known.gapsMayBe && !place) this.#report('groundless gap', what);
    // The node may have sent a position that the client has not received.
    if (!place || !before?.place) return;
    // A gap with the wrong reason for another log was already reported as a silent gap.
    const grounds =
      isGrounded || (gap === 'expired' && this.#known.orders.hasExpired(place.log, before.place.position, atMs));
    if (!grounds) this.#report('groundless gap', what);
  }

  #startOver(): void {
    this.#seen.clear();
    this.#covered.clear();
    this.#cursors.clear();
    this.#newest.clear();
    this.#calledLast = undefined;
  }

  #checkPlace(event: Answer): void {
    const { cursor, place, gap, notifications } = event;
    const before = this.#last?.place;
    if (place && before?.log === place.log && gap !== 'reset' && place.position < before.position) {
      this.#report('went back', `to ${place.position} from ${before.position}`);
    }
    const seenThen = this.#cursors.get(cursor);
    if (seenThen !== undefined && seenThen < this.#seen.size) {
      this.#report('went back', `${nameOf(event)} was given ${this.#seen.size - seenThen} notifications before`);
    }
    for (const { id } of place ? notifications : []) {
      const position = this.#known.orders.entry(place!.log, id)?.position ?? 0;
      if (position > place!.position)
        this.#report('went back', `${nameOf(event)} stands before ${id}, which came with it`);
    }
  }

  #checkOne({ id, topic }: Notification, event: Answer): void {
    const { orders, publishes, lateMs } = this.#known;
    const { topics, atMs, sentMs = -Infinity } = event;
    const publish = publishes.get(id);
    const entry = orders.entry(orders.logOf(event), id);
    const name = `${topic} ${id}`;
    if (publish?.topic !== topic) this.#report('phantom', `${name} was never published`);
    else if (publish.calledMs > atMs) this.#report('phantom', `${name} came before it was published`);
    else if (!entry && orders.areWhole) this.#report('phantom', `${name} is not in the log`);
    else if (!topics.includes(topic)) this.#report('foreign', `${name} was not asked for`);
    else if (this.#rights.forbids(publish, atMs)) this.#report('foreign', `${name} is not allowed`);
    else if (this.#seen.has(id)) this.#report('doubled', `${name} came again`);
    else {
      this.#checkOrder(publish, entry);
      const dueMs = dueFrom(publish, event) + lateMs;
      if (atMs > dueMs) this.#report('late', `${name} came ${atMs - dueMs} ms late`);
      const { removedMs = Infinity } = entry ?? {};
      const quietSinceMs = Math.max(removedMs, event.quietSinceMs ?? 0);
      if (sentMs > quietSinceMs + lateMs)
        this.#report('erased', `${name} was sent at ${sentMs}, erased at ${removedMs}`);
      const { expiresMs = Infinity } = publish;
      if (sentMs >= expiresMs) this.#report('expired', `${name} was sent at ${sentMs}, and expired at ${expiresMs}`);
    }
    this.#seen.add(id);
  }

  /** A page has only the newest notification of a topic and key. */
  #checkKeys({ notifications }: Answer): void {
    const newest = new Map<string, string>();
    for (const { id, topic } of notifications.toReversed()) {
      const key = this.#known.publishes.get(id)?.key;
      if (key === undefined) continue;
      const newer = newest.get(`${topic} ${key}`);
      if (newer !== undefined) this.#report('replaced', `${topic} ${id} came with ${newer}`);
      else newest.set(`${topic} ${key}`, id);
    }
  }

  #checkOrder({ id, topic, calledMs, acknowledgedMs = Infinity }: Publish, entry: Logged | undefined): void {
    const scope = this.#known.orders.areWhole ? '' : topic;
    const newest = this.#newest.get(scope);
    const called = this.#calledLast;
    if (entry && newest && newest.position > entry.position) {
      this.#report('out of order', `${topic} ${id} came after ${newest.id}`);
    } else if (called && called.calledMs > acknowledgedMs && this.#known.orders.followCalls) {
      this.#report('out of order', `${topic} ${id}, acknowledged before ${called.id} was called, came after it`);
    }
    if (entry && (!newest || newest.position < entry.position)) this.#newest.set(scope, entry);
    if (!called || called.calledMs < calledMs) this.#calledLast = { id, calledMs };
  }

  /**
   * Reports notifications that the log has up to the answer's position, and that the answer lacks.
   */
  #checkMissing(event: Answer): void {
    const { orders } = this.#known;
    const { topics, notifications, atMs, gap, from, place } = event;
    const log = orders.logOf(event);
    const entries = notifications.map(({ id }) => orders.entry(log, id)).filter((entry) => entry !== undefined);
    for (const topic of topics) {
      const covered = this.#covered.get(topic)!;
      if (this.#rights.disturbs(topic, event)) continue;
      const comparable = orders.areWhole ? entries : entries.filter((entry) => entry.topic === topic);
      const upTo = place?.position ?? comparable.at(-1)?.position ?? 0;
      for (const due of this.#due(log, topic, covered, comparable[0]?.position)) {
        if (due.position > upTo) break;
        if (mayLack(this.#known, log, due, event)) continue;
        const trimmed = (due.trimmedMs ?? Infinity) <= atMs;
        if (trimmed && (gap !== undefined || from === 'earliest')) continue;
        this.#report(trimmed ? 'silent gap' : 'lost', `${topic} ${due.id} is missing before ${nameOf(event)}`);
        this.#missed.add(due.id);
      }
    }
  }

  /**
   * The notifications that a client must still receive: after its position, after its first
   * notification, or published after its start.
   */
  #due(log: string, topic: string, { position, sinceMs }: Covered, first = Infinity): readonly Logged[] {
    const { orders, publishes } = this.#known;
    const entries = orders
      .after(log, topic, position ?? -1)
      .filter(({ id }) => !this.#seen.has(id) && !this.#missed.has(id));
    if (position !== undefined) return entries;
    return entries.filter((entry) => entry.position > first || (publishes.get(entry.id)?.calledMs ?? -1) > sinceMs);
  }

  /**
   * Reports notifications that a client did not receive, although it has polled for long enough.
   */
  #checkLate(event: Answer | Waiting): void {
    const { orders, publishes, lateMs } = this.#known;
    const last = isAnswer(event) ? event : this.#last;
    if (!last || lateMs === Infinity) return;
    // A poll that is answered with an empty page is late only for notifications from long before. A
    // held poll is also late for those that arrived while it was held.
    const asked = isAnswer(event) ? { ...event, askedMs: 0 } : event;
    for (const topic of event.topics) {
      const covered = this.#covered.get(topic);
      if (!covered || this.#rights.disturbs(topic, event)) continue;
      const log = orders.logOf(last);
      for (const due of this.#due(log, topic, covered)) {
        const { id, trimmedMs = Infinity } = due;
        // Notifications that retention has removed are never late; a page will report the gap.
        if (trimmedMs <= event.atMs || mayLack(this.#known, log, due, event)) continue;
        if (dueFrom(publishes.get(id), asked) + lateMs <= event.atMs)
          this.#report('late', `${topic} ${id} has not come by ${event.atMs}`);
      }
    }
  }

  /**
   * The position of a quiet client has to move too. Otherwise retention would remove the entries at
   * its position when other topics have many notifications.
   */
  #checkCursorMoves(event: Answer): void {
    const { place, askedMs } = event;
    const { orders, publishes, lateMs } = this.#known;
    if (!place || lateMs === Infinity || event.quietSinceMs === Infinity) return;
    for (const publish of publishes.values()) {
      const position = orders.entry(place.log, publish.id)?.position ?? 0;
      const dueMs = dueFrom(publish, { ...event, askedMs: 0 }) + lateMs;
      if (position <= place.position || dueMs > askedMs) continue;
      this.#report('late', `${nameOf(event)} stays behind ${publish.id}`);
      return;
    }
  }

  #cover(event: Answer): void {
    const { orders } = this.#known;
    const { topics, notifications, atMs, place } = event;
    const log = orders.logOf(event);
    for (const topic of topics) {
      const before = this.#covered.get(topic)!;
      const comparable = orders.areWhole ? notifications : notifications.filter((one) => one.topic === topic);
      const last = comparable.at(-1);
      const position = place?.position ?? (last && orders.entry(log, last.id)?.position);
      if (this.#rights.disturbs(topic, event)) this.#covered.set(topic, { position: place?.position, sinceMs: atMs });
      else if (position !== undefined) this.#covered.set(topic, { position, sinceMs: before.sinceMs });
    }
  }
}

/** The time since which no fault has prevented the request from delivering the notification. */
function dueFrom(publish: Publish | undefined, { askedMs, quietSinceMs = 0 }: Waiting): number {
  return Math.max(publish?.acknowledgedMs ?? Infinity, askedMs, quietSinceMs);
}

/** The text of a cursor is different each time, even for the same position. */
function nameOf({ place, cursor }: Answer): string {
  return place ? `${place.log}${place.position}` : cursor;
}
