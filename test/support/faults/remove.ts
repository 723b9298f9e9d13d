import type { LogEntry } from '../../../src/core/notification.js';
import type { RemoveQuery } from '../../../src/core/removal.js';
import type { ReadResult, Store, TailBatch } from '../../../src/core/store.js';
import { openMemoryStore } from '../memory.js';
import { type Fault, type Faults, replace, state } from './kit.js';

const GONE = 'remove: no read finds an entry of the topic, and all others stay';
const STATE = 'remove: the epoch and trimmed stay, and the head does not move back';
const POSITIONS = 'remove: a position is not assigned again';
const UP_TO = 'remove: entries above upTo stay';
const RECORD = 'remove: the position of a record divides the entries of calls at the same time';
const PATTERNS = 'remove: no read of a pattern finds an entry of the topic, and all others stay';
const EPOCH = 'remove: a position of another epoch removes nothing';
const AGAIN = 'remove: a repeated call removes nothing';
const NAME = 'remove: a topic is matched by its whole name';
const ARRAYS = 'remove: entries of an array on other topics stay, also if a read starts within the array';
const TAIL = 'remove: a tail from an older position delivers the other entries without a gap';
const OPEN_TAIL = 'remove: an open tail continues';
const IDS = 'remove: an append of a removed id is a duplicate or a new entry';
const MANY = 'remove: removes any number of entries while others append';
const RANDOM = 'remove: random appends, reads and removals have the same results as on a plain list';
const COUNTS = 'remove: retention does not count removed entries';
const CONTINUES = 'remove: retention continues after a removal';
const NODES = 'nodes: a removal by one node is visible on all nodes, and the epoch stays the same';
const LATER = 'nodes: a store that opens after a removal has the same log';
const ONCE = 'nodes: concurrent removals count each entry once';

/** Hides entries from reads, depending on the removals so far. */
const hiding = (isHidden: (entry: LogEntry, removals: readonly RemoveQuery[]) => boolean, removes = true): Fault =>
  replace((store) => {
    const removals: RemoveQuery[] = [];
    return {
      read: async (query) => {
        const result = await store.read(query);
        return { ...result, entries: result.entries.filter((entry) => !isHidden(entry, removals)) };
      },
      remove: async (query) => {
        removals.push(query);
        const head = Math.min(query.upTo, (await store.read(state)).head);
        return removes ? store.remove(query) : { count: (await ofTopic(store, query.topic)).length, upTo: head };
      },
    };
  });

/** Changes the results of reads after a removal. */
const afterRemoval = (change: (result: ReadResult, before: ReadResult) => Partial<ReadResult>): Fault =>
  replace((store) => {
    let before: ReadResult | undefined;
    return {
      read: async (query) => {
        const result = await store.read(query);
        return before ? { ...result, ...change(result, before) } : result;
      },
      remove: async (query) => {
        before = await store.read(state);
        return store.remove(query);
      },
    };
  });

const inRemove = (change: (query: RemoveQuery, store: Store) => Promise<RemoveQuery> | RemoveQuery): Fault =>
  replace((store) => ({ remove: async (query) => store.remove(await change(query, store)) }));

async function ofTopic(store: Store, topic: string): Promise<readonly LogEntry[]> {
  return (await store.read({ topics: [topic], after: 0, limit: 10_000, bytesMax: 2 ** 30 })).entries;
}

export const removeFaults: Faults = {
  'removes nothing': [replace(() => ({ remove: async () => ({ count: 4, upTo: 0 }) })), GONE],
  'removes other topics too': [hiding((_, removals) => removals.length > 0), GONE],
  'trimmed moves to the head': [afterRemoval(({ head }) => ({ trimmed: head })), STATE],
  'the head moves back': [afterRemoval(({ head }) => ({ head: head - 1 })), STATE],
  'copies the other entries to a new log': [
    (store) => {
      let log = Promise.resolve(store);
      const topics = new Set<string>();
      return {
        append: async (drafts) => {
          for (const { topic } of drafts) topics.add(topic);
          return (await log).append(drafts);
        },
        read: async (query) => (await log).read(query),
        tail: async (after, onAppended) => (await log).tail(after, onAppended),
        remove: async ({ topic }) => {
          const others = [...topics].filter((name) => name !== topic);
          const query = { after: 0, limit: 10_000, bytesMax: 2 ** 30 };
          const { entries, head } = await (await log).read({ ...query, topics: others });
          const count = (await ofTopic(await log, topic)).length;
          log = openMemoryStore();
          if (entries.length > 0) await (await log).append(entries);
          return { count, upTo: head };
        },
        close: async () => (await log).close(),
      };
    },
    POSITIONS,
  ],
  'leaves the index of patterns': [
    replace((store) => {
      const gone: LogEntry[] = [];
      return {
        read: async (query) => {
          const result = await store.read(query);
          const isPattern = query.topics.some((name) => name.endsWith('*'));
          return isPattern ? { ...result, entries: [...gone, ...result.entries] } : result;
        },
        remove: async (query) => {
          gone.push(...(await ofTopic(store, query.topic)));
          return store.remove(query);
        },
      };
    }),
    PATTERNS,
  ],
  'ignores upTo': [inRemove((query) => ({ ...query, upTo: Number.MAX_SAFE_INTEGER })), UP_TO],
  'keeps the entries of calls at the same time in one piece': [
    replace((store) => {
      const pieces: number[][] = [];
      let running = 0;
      return {
        append: async (drafts) => {
          if (running++ === 0) pieces.push([]);
          const piece = pieces.at(-1)!;
          const result = await store.append(drafts).finally(() => running--);
          piece.push(...result.appended.map(({ position }) => position));
          return result;
        },
        remove: (query) => {
          const divided = pieces.find((piece) => piece.includes(query.upTo) && piece.at(-1)! > query.upTo);
          return store.remove({ ...query, upTo: divided ? divided[0]! - 1 : query.upTo });
        },
      };
    }),
    RECORD,
  ],
  'ignores the epoch': [
    inRemove(async (query, store) => ({ ...query, epochId: (await store.read(state)).epoch.id })),
    EPOCH,
  ],
  'counts every removal of a topic': [
    replace((store) => {
      const counts = new Map<string, number>();
      return {
        remove: async (query) => {
          const { count, upTo } = await store.remove(query);
          counts.set(query.topic, (counts.get(query.topic) ?? 0) + count);
          return { count: counts.get(query.topic) ?? 0, upTo };
        },
      };
    }),
    AGAIN,
  ],
  'returns upTo of the query': [
    replace((store) => ({ remove: async (query) => ({ ...(await store.remove(query)), upTo: query.upTo }) })),
    AGAIN,
  ],
  'matches topics by prefix': [
    hiding(({ topic }, removals) => removals.some((query) => topic.startsWith(query.topic))),
    NAME,
  ],
  'removes whole arrays': [
    replace((store) => {
      const arrays: { readonly topics: readonly string[]; readonly ids: readonly string[] }[] = [];
      const hidden = new Set<string>();
      return {
        append: (drafts) => {
          arrays.push({ topics: drafts.map(({ topic }) => topic), ids: drafts.map(({ id }) => id) });
          return store.append(drafts);
        },
        read: async (query) => {
          const result = await store.read(query);
          return { ...result, entries: result.entries.filter(({ id }) => !hidden.has(id)) };
        },
        remove: (query) => {
          for (const { topics, ids } of arrays) if (topics.includes(query.topic)) ids.forEach((id) => hidden.add(id));
          return store.remove(query);
        },
      };
    }),
    ARRAYS,
  ],
  'a tail states the removed entries as missing': [
    replace((store) => {
      let isRemoved = false;
      return {
        tail: (after, onAppended) =>
          store.tail(after, (batch) => onAppended(isRemoved ? { ...batch, after: batch.head, entries: [] } : batch)),
        remove: async (query) => {
          isRemoved = true;
          return store.remove(query);
        },
      };
    }),
    TAIL,
  ],
  'ends the open tails': [
    replace((store) => {
      const open = new Set<(batch: TailBatch) => void>();
      return {
        tail: (after, onAppended) => {
          open.add(onAppended);
          return store.tail(after, (batch) => {
            if (open.has(onAppended)) onAppended(batch);
          });
        },
        remove: async (query) => {
          open.clear();
          return store.remove(query);
        },
      };
    }),
    OPEN_TAIL,
  ],
  'a repeated append of a removed id gets another position': [
    replace((store) => ({
      append: async (drafts) => {
        const { epoch, appended } = await store.append(drafts);
        return {
          epoch,
          appended: appended.map((one) => (one.duplicate ? { ...one, position: one.position + 1 } : one)),
        };
      },
    })),
    IDS,
  ],
  'removes the first 1,000 entries only': [
    inRemove(async (query, store) => {
      const last = (await ofTopic(store, query.topic))[999];
      return last ? { ...query, upTo: last.position } : query;
    }),
    MANY,
  ],
  'hides a removed topic forever': [
    hiding(({ topic }, removals) => removals.some((query) => query.topic === topic)),
    RANDOM,
  ],
  'retention counts removed entries': [
    replace((store) => {
      let fillers = 0;
      return {
        remove: async (query) => {
          const removed = await store.remove(query);
          const topic = 'filler';
          for (let count = removed.count; count > 0; count--) {
            await store.append([{ id: `filler-${++fillers}`, topic, json: '{}' }]);
          }
          return removed;
        },
      };
    }),
    COUNTS,
  ],
  'trimmed stops at a removal': [afterRemoval((_, { trimmed }) => ({ trimmed })), CONTINUES],
  'hides the entries on its own node only': [
    hiding(
      ({ topic, position }, removals) => removals.some((one) => one.topic === topic && position <= one.upTo),
      false,
    ),
    NODES,
  ],
  'forgets the removals when it closes': [
    hiding(
      ({ topic, position }, removals) => removals.some((one) => one.topic === topic && position <= one.upTo),
      false,
    ),
    LATER,
  ],
  'counts the entries before it removes them': [
    replace((store) => ({
      remove: async (query) => {
        const count = (await ofTopic(store, query.topic)).length;
        return { ...(await store.remove(query)), count };
      },
    })),
    ONCE,
  ],
};
