import type { Draft, LogEntry } from '../../../src/core/notification.js';
import { type Faults, inQuery, inResult, replace, reversed, turn } from './kit.js';

export const readFaults: Faults = {
  'includes the position': [inQuery(({ after }) => ({ after: after - 1 })), 'read: starts strictly after a position'],
  'skips one': [inQuery(({ after }) => ({ after: after + 1 })), 'read: starts strictly after a position'],
  'matches topics by prefix': [
    replace((store) => {
      const topics = new Set<string>();
      return {
        append: (drafts) => {
          for (const { topic } of drafts) topics.add(topic);
          return store.append(drafts);
        },
        read: (query) => {
          const matching = [...topics].filter((topic) => query.topics.some((asked) => topic.startsWith(asked)));
          return store.read({ ...query, topics: matching });
        },
      };
    }),
    'read: a topic is matched by its whole name',
  ],
  'the first topic only': [
    inQuery(({ topics }) => ({ topics: topics.slice(0, 1) })),
    'read: returns only the requested topics, in the order of the log',
  ],
  'in reverse': [inResult(({ entries }) => ({ entries: reversed(entries) })), 'read: starts strictly after a position'],
  'one topic after the other': [
    inResult(({ entries }, { topics }) => ({
      entries: topics.flatMap((name) => entries.filter(({ topic }) => topic === name)),
    })),
    'read: returns only the requested topics, in the order of the log',
  ],
  'one more than limit': [
    inQuery(({ limit }) => ({ limit: limit + 1 })),
    'read: `limit` bounds a page, and `more` is correct when a page is full',
  ],
  '`more` is never true': [
    inResult(() => ({ more: false })),
    'read: `limit` bounds a page, and `more` is correct when a page is full',
  ],
  'more whenever a page is full': [
    inResult(({ entries }, { limit }) => ({ more: entries.length === limit })),
    'read: `limit` bounds a page, and `more` is correct when a page is full',
  ],
  'a read returns no entry if bytesMax is below its size': [
    inResult(({ entries }, { bytesMax }) => ((entries[0]?.bytes ?? 0) > bytesMax ? { entries: [] } : {})),
    'read: bytesMax bounds a page in bytes of UTF-8, but never below one entry',
  ],
  'bytesMax is not kept': [
    inQuery(() => ({ bytesMax: 2 ** 30 })),
    'read: bytesMax bounds a page in bytes of UTF-8, but never below one entry',
  ],
  'bytes are characters': [
    inResult(({ entries }) => ({ entries: entries.map((entry) => ({ ...entry, bytes: entry.json.length })) })),
    'read and tail: JSON is returned byte for byte, with its length in UTF-8',
  ],
  'entries for limit 0': [
    inQuery(({ limit }) => ({ limit: limit || 1 })),
    'read: limit 0 gives the state of the log only',
  ],
  'head of an empty log is 1': [
    inResult(({ head }) => ({ head: head || 1 })),
    'read: an empty log has head 0, trimmed 0 and nothing to read',
  ],
  'head ahead of what can be read': [
    inResult(({ head }) => ({ head: head + 1 })),
    'read: `head` is the newest position of the log for any topics',
  ],
  '`head` counts only the requested topics': [
    inResult(({ entries }, { after }) => ({ head: entries.at(-1)?.position ?? after })),
    'read: `head` is the newest position of the log for any topics',
  ],
  '`head` is the requested position': [
    inResult(({ head }, { after }) => ({ head: Math.max(head, after) })),
    'read: nothing follows the head',
  ],
  'a read from the head starts at the beginning of the log': [
    inQuery(({ after }) => ({ after: after > 1000 ? 0 : after })),
    'read: nothing follows the head',
  ],
  'acknowledged before it can be read': [
    replace((store) => {
      const pending: (readonly Draft[])[] = [];
      return {
        append: async (drafts) => {
          const result = await store.append(drafts);
          pending.push(drafts);
          void turn().then(() => pending.shift());
          return result;
        },
        read: async (query) => {
          const result = await store.read(query);
          const hidden = new Set(pending.flat().map(({ id }) => id));
          return { ...result, entries: result.entries.filter(({ id }) => !hidden.has(id)) };
        },
      };
    }),
    'append: acknowledged notifications can be read at their positions',
  ],
  'a lower position appears late': [
    replace((store) => {
      const seen = new Set<number>();
      const late = ({ position }: LogEntry): boolean =>
        position % 5 === 0 && !seen.has(position) && !!seen.add(position);
      return {
        read: async (query) => {
          const result = await store.read(query);
          return { ...result, entries: result.entries.filter((entry) => !late(entry)) };
        },
      };
    }),
    'read: a reader that continues from head misses nothing while others append',
  ],
  'part of an array': [
    inResult(({ entries, head }) => ({ entries: entries.filter(({ position }) => position < head) })),
    'append: arrays of concurrent appends do not mix, and all readers see one order',
  ],
};
