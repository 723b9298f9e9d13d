import { problemsOf } from './checker.js';
import type { Answer, ClientHistory, History, Logged, Publish, RightsChange, Waiting } from './history.js';

/*
 * Histories in a few words, for the checker's own tests. The name of a notification is its topic
 * and number. `publish` is called for `b2` at 20, and acknowledged at 25. An answer is `from >
 * notifications > cursor`, followed by further facts:
 *
 *   [a b] earliest > a1 b2 > x2 reset @30-40
 *
 * The client polled topics a and b at 30, and was answered at 40. Without the list, it polls its
 * own topics. `quiet@20`: no fault since 20. `sent@39`: the node sent it at 39. `from > ? > -` is a
 * request without an answer.
 */

export interface Example {
  readonly clients?: readonly ClientHistory[];
  readonly publishes?: readonly Publish[];
  readonly logs?: History['logs'];
  readonly lateMs?: number;
  readonly gapsMayBe?: boolean;
}

const words = (text: string): string[] => text.split(' ').filter((word) => word !== '');
const topicOf = (id: string): string => id.slice(0, 1);

export function publish(id: string, more: Partial<Publish> = {}): Publish {
  const calledMs = 10 * Number(id.slice(1));
  return { id, topic: topicOf(id), calledMs, acknowledgedMs: calledMs + 5, ...more };
}

/** Notifications that are published and in the log, unless the example says otherwise. */
const PUBLISHED = 'a1 b2 a3 c4 b5';
export const PUBLISHES = words(PUBLISHED).map((id) => publish(id));

/** A log in which each number is its own position; the first ones were removed at 500. */
export function logged(ids = PUBLISHED, trimmed = ''): Logged[] {
  return words(ids).map((id) => ({
    id,
    topic: topicOf(id),
    position: Number(id.slice(1)),
    trimmedMs: words(trimmed).includes(id) ? 500 : undefined,
  }));
}

export const LOG = new Map([['x', logged()]]);
export const TRIMMED = new Map([['x', logged(PUBLISHED, 'a1 b2')]]);
/** A wiped log, and the log after it. */
export const WIPED = new Map([
  ['x', logged('a1 b2 a3')],
  ['y', logged('c4 b5')],
]);

/** A client that does not know what its cursors mean. */
export function client(topics: string, ...turns: readonly string[]): ClientHistory {
  const events = turns.map((turn, at) => eventOf(turn, { topics: words(topics), ms: 1000 + at }));
  return { name: 'client', events, finished: true };
}

/** A lookup of cursors: x3 is position 3 of log x. */
export function placed(topics: string, ...turns: readonly string[]): ClientHistory {
  const { events, ...rest } = client(topics, ...turns);
  return {
    ...rest,
    events: events.map((event) => ('cursor' in event ? { ...event, place: placeOf(event.cursor) } : event)),
  };
}

/** A client that has not read to the end. */
export function unfinished(history: ClientHistory): ClientHistory {
  return { ...history, finished: false };
}

/** `-b@40`: topic b is revoked at 40; `+b@50`: it is granted again. */
export function withRights(history: ClientHistory, ...changes: readonly string[]): ClientHistory {
  const rights = changes.map((change): RightsChange => {
    const calledMs = Number(change.slice(change.indexOf('@') + 1));
    return { topic: change.slice(1, 2), allowed: change.startsWith('+'), calledMs, doneMs: calledMs + 1 };
  });
  return { ...history, rights };
}

/** The kinds of problems that the checker finds in an example. */
export function found({ publishes = PUBLISHES, clients = [], logs, ...bounds }: Example): string[] {
  return problemsOf({ publishes, clients, ...(logs && { logs }) }, bounds).map(({ kind, what }) => `${kind}: ${what}`);
}

function placeOf(cursor: string): Answer['place'] {
  return { log: cursor.slice(0, 1), position: Number(cursor.slice(1)) };
}

function eventOf(turn: string, { topics, ms }: { topics: string[]; ms: number }): Answer | Waiting {
  const own = /^\[(.*)\] /.exec(turn);
  const [from = '', came = '', end = ''] = turn.slice(own?.[0].length ?? 0).split('>');
  const [cursor = '', ...more] = words(end);
  const times = more
    .find((word) => word.startsWith('@'))
    ?.slice(1)
    .split('-')
    .map(Number) ?? [ms];
  const sent = more.find((word) => word.startsWith('sent@'))?.slice('sent@'.length);
  const quiet = more.find((word) => word.startsWith('quiet@'))?.slice('quiet@'.length);
  const gap = (['expired', 'reset'] as const).find((reason) => more.includes(reason));
  const waiting: Waiting = {
    from: from.trim(),
    topics: own ? words(own[1]!) : topics,
    askedMs: times[0]!,
    atMs: times.at(-1)!,
    quietSinceMs: quiet === undefined ? undefined : Number(quiet),
    sentMs: sent === undefined ? undefined : Number(sent),
  };
  if (came.trim() === '?') return waiting;
  return { ...waiting, notifications: words(came).map((id) => ({ id, topic: topicOf(id) })), cursor, gap };
}
