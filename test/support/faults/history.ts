import { type Faults, inHistory, inHistoryResult, replace, reversed } from './kit.js';

const STARTS = 'history: starts strictly before a position, newest first';
const BEYOND = 'history: a read from a position beyond the head begins at the head';
const MERGED = 'history: returns only the requested topics, merged, newest first';
const LIMIT = 'history: `limit` bounds a page, and `more` is correct when a page is full';
const BYTES = 'history: bytesMax bounds a page in bytes of UTF-8, but never below one entry';
const EMPTY = 'history: an empty log has no history';
const SAME = 'history: has the same entries, epoch and trimmed as a read after a position';
const FILTER = 'history: pages of any size equal a filtered copy of the log';
const WALK = 'history: a walk to the beginning has every entry once, while others append';
const COMPLETE = 'history: has every entry of the log above `trimmed`';
const TRIMS = 'history: paging backwards skips no kept entry while retention removes others';

export const historyFaults: Faults = {
  'includes the position': [inHistory(({ before }) => ({ before: before + 1 })), STARTS],
  'skips one': [inHistory(({ before }) => ({ before: before - 1 })), STARTS],
  'in the order of the log': [inHistoryResult(({ entries }) => ({ entries: reversed(entries) })), STARTS],
  'nothing beyond the head': [
    inHistoryResult(({ entries, head }, { before }) =>
      before > head + 1 ? { entries: [], more: false } : { entries },
    ),
    BEYOND,
  ],
  'head is the position': [inHistoryResult(({ head }, { before }) => ({ head: Math.max(head, before) })), BEYOND],
  'head of an empty log is 1': [inHistoryResult(({ head }) => ({ head: head || 1 })), EMPTY],
  'the first topic only': [inHistory(({ topics }) => ({ topics: topics.slice(0, 1) })), MERGED],
  'one topic after the other': [
    inHistoryResult(({ entries }, { topics }) => ({
      entries: topics.flatMap((name) => entries.filter(({ topic }) => topic === name)),
    })),
    MERGED,
  ],
  'one more than limit': [inHistory(({ limit }) => ({ limit: limit + 1 })), LIMIT],
  '`more` is never true': [inHistoryResult(() => ({ more: false })), LIMIT],
  'more whenever a page is full': [
    inHistoryResult(({ entries }, { limit }) => ({ more: entries.length === limit })),
    LIMIT,
  ],
  'entries for limit 0': [inHistory(({ limit }) => ({ limit: limit || 1 })), LIMIT],
  'bytesMax is not kept': [inHistory(() => ({ bytesMax: 2 ** 30 })), BYTES],
  'returns no entry if bytesMax is below its size': [
    inHistoryResult(({ entries }, { bytesMax }) => ((entries[0]?.bytes ?? 0) > bytesMax ? { entries: [] } : {})),
    BYTES,
  ],
  'another JSON': [
    inHistoryResult(({ entries }) => ({ entries: entries.map((entry) => ({ ...entry, json: `${entry.json} ` })) })),
    SAME,
  ],
  'the oldest page of the log': [
    replace((store) => ({
      read: async (query) => {
        if (query.before === undefined) return store.read(query);
        const { before, ...bounds } = query;
        const page = await store.read({ ...bounds, after: 0 });
        return { ...page, entries: reversed(page.entries.filter(({ position }) => position < before)) };
      },
    })),
    FILTER,
  ],
  'a newer entry on a later page': [
    replace((store) => {
      let first: number | undefined;
      return {
        read: async (query) => {
          const result = await store.read(query);
          if (query.before === undefined || query.before > result.head) return result;
          const newest = await store.read({ ...query, before: Number.MAX_SAFE_INTEGER, limit: 1 });
          first ??= newest.head;
          return newest.head > first ? { ...result, entries: [...newest.entries, ...result.entries] } : result;
        },
      };
    }),
    WALK,
  ],
  'a window that ends above trimmed': [
    inHistoryResult(({ entries, head, more, trimmed }) =>
      trimmed > 0 ? { entries: entries.filter(({ position }) => position > head - 5), more } : {},
    ),
    COMPLETE,
  ],
  '`trimmed` is always 0': [inHistoryResult(() => ({ trimmed: 0 })), COMPLETE],
  'returns `trimmed` of the first page on later pages': [
    replace((store) => {
      let trimmed: number | undefined;
      return {
        read: async (query) => {
          const result = await store.read(query);
          if (query.before === undefined || result.trimmed === 0) return result;
          trimmed ??= result.trimmed;
          return { ...result, trimmed };
        },
      };
    }),
    TRIMS,
  ],
};
