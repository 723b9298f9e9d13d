import type { LogEntry } from '../../core/notification.js';
import type { Engine } from './engine.js';
import { decodePart, endPosition, lastSequenceOf, type Part, type RawMessage, subjectOf } from './layout.js';

export interface TopicRunQuery {
  readonly prefix: string;
  readonly topic: string;
  /** The first sequence to look at. */
  readonly start: number;
  readonly after: number;
  readonly head: number;
}

/** The entries of one topic, each message fetched by the server's index of subjects when it is needed. */
export class TopicRun {
  readonly #engine: Engine;
  readonly #query: TopicRunQuery;
  readonly #subject: string;
  #entries: readonly LogEntry[] = [];
  #index = 0;
  #sequence: number;
  #ended = false;
  #ahead: Promise<RawMessage | undefined> | undefined;

  constructor(engine: Engine, query: TopicRunQuery) {
    this.#engine = engine;
    this.#query = query;
    this.#subject = subjectOf(query.prefix, query.topic);
    this.#sequence = query.start;
  }

  /** The next entry, which stays the next until it is taken; undefined when there are no more. */
  async next(): Promise<LogEntry | undefined> {
    return this.#entries[this.#index] ?? (this.#ended ? undefined : this.#fetch());
  }

  /** Goes on to the entry after the one that `next` gave. */
  take(): void {
    this.#index++;
  }

  async #fetch(): Promise<LogEntry | undefined> {
    const { after, head } = this.#query;
    for (;;) {
      const message = await (this.#ahead ?? this.#get());
      const part = message && decodePart(message);
      if (!message || (part && endPosition(lastSequenceOf(part)) > head)) {
        this.#ended = true;
        return undefined;
      }
      this.#sequence = message.sequence + 1;
      this.#lookAhead();
      if (!part || !(await this.#isWhole(part))) continue;
      this.#entries = part.entries.filter(({ position }) => position > after);
      this.#index = 0;
      if (this.#entries.length > 0) return this.#entries[0];
    }
  }

  /** The next message is on its way while this one is looked at. */
  #lookAhead(): void {
    this.#ahead = this.#get();
    // Whether it is waited for or not: then it is an error of the read, else nobody's.
    this.#ahead.catch(() => undefined);
  }

  #get(): Promise<RawMessage | undefined> {
    return this.#engine.get({ seq: this.#sequence, next_by_subj: this.#subject });
  }

  /** A part counts only if the last one of its commit was stored: the server stores that only after all others. */
  async #isWhole(part: Part): Promise<boolean> {
    if (part.index === part.parts) return true;
    const last = await this.#engine.get({ seq: lastSequenceOf(part) });
    const lastPart = last && decodePart(last);
    return lastPart?.commit === part.commit && lastPart.index === lastPart.parts;
  }
}
