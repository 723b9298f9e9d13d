import type { Answer, ClientHistory, Publish, RightsChange, Waiting } from './history.js';

/** Milliseconds since any fixed time. */
type Now = () => number;

const systemNow: Now = () => performance.now();

/** A page as it is on the wire. */
export interface WirePage {
  readonly notifications: readonly { readonly id: string; readonly topic: string }[];
  readonly cursor: string;
  readonly gap?: { readonly reason: 'expired' | 'reset' } | undefined;
}

/** A block of a stream, as parsers give it. */
export interface WireBlock {
  readonly event?: string | undefined;
  readonly id?: string | undefined;
  readonly data?: string | undefined;
}

/** Records the answers of an HTTP client. */
export class ClientRecord implements ClientHistory {
  readonly events: (Answer | Waiting)[] = [];
  readonly rights: RightsChange[] = [];
  finished = false;

  constructor(
    readonly name: string,
    readonly now: Now = systemNow,
  ) {}

  /** Call it when a request is sent. Call the returned function with the response. */
  poll(from: string, topics: readonly string[]): (page: WirePage) => void {
    const askedMs = this.now();
    return ({ notifications, cursor, gap }) => {
      this.events.push({ from, topics, askedMs, atMs: this.now(), notifications, cursor, gap: gap?.reason });
    };
  }

  /** Call it when a stream is requested. Call the returned function with each complete block. */
  stream(from: string, topics: readonly string[]): (block: WireBlock) => void {
    let part: Pick<Answer, 'from' | 'askedMs' | 'gap' | 'notifications'> = {
      from,
      askedMs: this.now(),
      notifications: [],
    };
    return ({ event, id, data }) => {
      if (event === 'gap') part = { ...part, gap: (JSON.parse(data!) as NonNullable<WirePage['gap']> & object).reason };
      // A block without an event name is a notification if it has data.
      else if (event === undefined && data !== undefined) {
        part = {
          ...part,
          notifications: [...part.notifications, JSON.parse(data) as WirePage['notifications'][number]],
        };
      }
      if (id === undefined) return;
      const atMs = this.now();
      if (part.gap || part.notifications.length > 0 || part.from !== id) {
        this.events.push({
          ...part,
          topics,
          atMs,
          cursor: id,
          isPlaceOnly: part.notifications.length === 0 && !part.gap,
        });
      }
      part = { from: id, askedMs: atMs, notifications: [] };
    };
  }
}

/** Records the published notifications. */
export class PublishRecord {
  readonly publishes: Publish[] = [];

  constructor(readonly now: Now = systemNow) {}

  /**
   * Call it before the first attempt. Call the returned function when an attempt is acknowledged.
   */
  called(id: string, topic: string): () => void {
    const at = this.publishes.push({ id, topic, calledMs: this.now() }) - 1;
    return () => {
      this.publishes[at] = { ...this.publishes[at]!, acknowledgedMs: this.now() };
    };
  }
}
