import type { StoreAbilities } from '../../../src/core/abilities.js';
import { isPattern } from '../../../src/core/patterns.js';
import type { HistoryQuery, ReadQuery, ReadResult, Store } from '../../../src/core/store.js';
import { type Fault, type Faults, inBatch, replace } from './kit.js';

type Full = Store & StoreAbilities;
type Query = ReadQuery | HistoryQuery;

const MATCHED = 'patterns: a read of a pattern has the entries of all topics that it matches, in order';
const BEFORE = 'patterns: an entry older than the declaration is found, or `trimmed` is at least its position';
const KEPT = 'patterns: a log keeps the patterns that were declared last, and reports a gap for a dropped one';

/** Changes the queries that name a pattern. */
const inNames = (change: (topics: readonly string[]) => readonly string[]): Fault =>
  replace((store) => ({
    read: (query) => store.read(query.topics.some(isPattern) ? { ...query, topics: change(query.topics) } : query),
  }));

/** Changes the results of queries that name a pattern. */
const inPage = (change: (result: ReadResult, query: Query) => Partial<ReadResult>): Fault =>
  replace((store) => ({
    read: async (query) => {
      const result = await store.read(query);
      return query.topics.some(isPattern) ? { ...result, ...change(result, query) } : result;
    },
  }));

const hidesWhatIsMissing = inPage(() => ({ trimmed: 0 }));

const ownNodeOnly: Fault = replace((store) => {
  const own = new Set<string>();
  return {
    append: async (drafts) => {
      for (const { id } of drafts) own.add(id);
      return store.append(drafts);
    },
    read: async (query) => {
      const result = await store.read(query);
      const isPlain = !query.topics.some(isPattern);
      return isPlain ? result : { ...result, entries: result.entries.filter(({ id }) => own.has(id)) };
    },
  };
});

export const patternFaults: Faults = {
  'finds nothing of a pattern': [inNames((topics) => topics.filter((name) => !isPattern(name))), MATCHED],
  'also matches the topic before the last dot': [
    inNames((topics) => [...topics, ...topics.filter(isPattern).map((name) => name.slice(0, -2))]),
    MATCHED,
  ],
  'also matches records of the library': [
    inNames((topics) => (topics.includes('*') ? [...topics, '$a'] : topics)),
    'patterns: the pattern * matches every topic, but no record of the library',
  ],
  'one topic of an array after the other': [
    inPage(({ entries }) => ({ entries: [...entries].sort((a, b) => (a.topic < b.topic ? -1 : 1)) })),
    'patterns: an array keeps the order of its drafts if its topics alternate',
  ],
  'does not report missing earlier entries': [hidesWhatIsMissing, BEFORE],
  'an undeclared pattern is reported as empty and complete': [
    hidesWhatIsMissing,
    'patterns: a read of an undeclared pattern finds all entries, or reports that they are missing',
  ],
  'a dropped pattern looks complete': [hidesWhatIsMissing, KEPT],
  'declares all but the last': [
    replace((store) => ({
      indexPatterns: (patterns) =>
        (store as Full).indexPatterns(patterns.length > 1 ? patterns.slice(0, -1) : patterns),
    })),
    KEPT,
  ],
  'each declaration moves the position': [
    replace((store) => {
      let since = 0;
      return {
        indexPatterns: async (patterns) => {
          await (store as Full).indexPatterns(patterns);
          since = (await store.read({ topics: [], after: 0, limit: 0, bytesMax: 0 })).head;
        },
        read: async (query) => {
          const result = await store.read(query);
          return query.topics.some(isPattern) ? { ...result, trimmed: Math.max(since, result.trimmed) } : result;
        },
      };
    }),
    'patterns: a repeated declaration changes nothing',
  ],
  'indexes a repeated id again': [
    replace((store) => {
      const repeated = new Set<string>();
      return {
        append: async (drafts) => {
          const result = await store.append(drafts);
          for (const { id, duplicate } of result.appended) if (duplicate) repeated.add(id);
          return result;
        },
        read: async (query) => {
          const result = await store.read(query);
          if (!query.topics.some(isPattern)) return result;
          return { ...result, entries: result.entries.flatMap((one) => (repeated.has(one.id) ? [one, one] : [one])) };
        },
      };
    }),
    'patterns: a repeated id is indexed once',
  ],
  '`more` is always false for a pattern': [
    inPage(() => ({ more: false })),
    'patterns: pages of any size equal a filtered copy of the log, in both directions',
  ],
  'delivers an entry twice, for its topic and for the pattern': [
    inBatch((batch) => [
      { ...batch, entries: batch.entries.flatMap((one) => (one.topic.startsWith('orders.') ? [one, one] : [one])) },
    ]),
    'patterns: declared patterns change neither the entries nor the head that a tail delivers',
  ],
  'declares after close': [
    replace((store) => ({
      indexPatterns: (patterns) => (store as Full).indexPatterns(patterns).catch(() => undefined),
    })),
    'patterns: indexPatterns rejects with store_unavailable after close',
  ],
  'the index keeps removed entries': [
    replace((store) => {
      const log: ReadResult['entries'][number][] = [];
      return {
        append: async (drafts) => {
          const { head } = await store.read({ topics: [], after: 0, limit: 0, bytesMax: 0 });
          const result = await store.append(drafts);
          const topics = [...new Set(drafts.map(({ topic }) => topic))];
          log.push(...(await store.read({ topics, after: head, limit: 1000, bytesMax: 2 ** 30 })).entries);
          return result;
        },
        read: async (query) => {
          const result = await store.read(query);
          const isWhole = query.topics.includes('*') && query.after === 0 && query.limit === 1000;
          return isWhole ? { ...result, entries: log } : result;
        },
      };
    }),
    'patterns: retention removes entries from the index too',
  ],
  'has only the appends of its own node': [
    ownNodeOnly,
    'nodes: the index of a pattern includes the appends of all nodes',
  ],
  'misses an append of another node during the declaration': [
    ownNodeOnly,
    'nodes: an append during a declaration is found, or `trimmed` is at least its position',
  ],
  'forgets the appends of a closed node': [
    ownNodeOnly,
    'nodes: a declared pattern remains after the node that declared it has closed',
  ],
};
