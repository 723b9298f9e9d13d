import type { Clock } from '../../core/clock.js';
import { erasedTopicsOf } from '../../core/erasure.js';
import type { LogEntry } from '../../core/notification.js';
import type { FeedObserver } from '../../core/observer.js';
import { isRecord } from '../../core/records.js';
import { isRetraction } from '../../core/retraction.js';

/**
 * The maximum number of counted topics. An application may have a topic for each user. With names
 * of 200 characters, the counts take less than 1 MiB.
 */
export const COUNTED_TOPICS_MAX = 1_000;
/** The counts cover the current period and the one before. */
const PERIOD_MS = 60_000;

/**
 * Counts the notifications of each topic in the last one to two minutes. If there are more topics
 * than counters, it decrements all counters for a new topic (the algorithm of Misra and Gries). So
 * a topic with more than 1/1,000 of all notifications always has a counter. An erased topic loses
 * its count.
 */
export class TopicCounts implements FeedObserver {
  readonly #clock: Clock;
  #current = new Map<string, number>();
  #previous = new Map<string, number>();
  #periodStartedAtMs: number;
  #startedAtMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAtMs = this.#periodStartedAtMs = clock.monotonic();
  }

  published(entries: readonly LogEntry[]): void {
    for (const entry of entries) {
      if (!isRecord(entry)) {
        if (!isRetraction(entry)) this.#add(entry.topic);
        continue;
      }
      for (const topic of erasedTopicsOf(entry)) {
        this.#current.delete(topic);
        this.#previous.delete(topic);
      }
    }
  }

  /** Begins a new period if the current one is over. Call it every few seconds. */
  rotate(): void {
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#periodStartedAtMs < PERIOD_MS) return;
    this.#previous = this.#current;
    this.#startedAtMs = this.#periodStartedAtMs;
    this.#periodStartedAtMs = nowMs;
    this.#current = new Map();
  }

  /** The counted topics with their rates. */
  *perMinute(): Iterable<readonly [topic: string, perMinute: number]> {
    const minutes = Math.max(this.#clock.monotonic() - this.#startedAtMs, PERIOD_MS) / PERIOD_MS;
    for (const topic of new Set([...this.#current.keys(), ...this.#previous.keys()])) {
      yield [topic, this.#countOf(topic) / minutes];
    }
  }

  /** The rate of a topic. */
  perMinuteOf(topic: string): number {
    const minutes = Math.max(this.#clock.monotonic() - this.#startedAtMs, PERIOD_MS) / PERIOD_MS;
    return this.#countOf(topic) / minutes;
  }

  #countOf(topic: string): number {
    return (this.#current.get(topic) ?? 0) + (this.#previous.get(topic) ?? 0);
  }

  #add(topic: string): void {
    const counts = this.#current;
    const count = counts.get(topic);
    if (count !== undefined || counts.size < COUNTED_TOPICS_MAX) {
      counts.set(topic, (count ?? 0) + 1);
      return;
    }
    for (const [other, value] of counts) {
      if (value === 1) counts.delete(other);
      else counts.set(other, value - 1);
    }
  }
}
