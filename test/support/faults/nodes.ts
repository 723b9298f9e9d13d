import { openMemoryStore } from '../memory.js';
import { type Faults, replace, state, turn } from './kit.js';

/** For stores that several nodes share. */
export const nodesFaults: Faults = {
  'every node has a log of its own': [
    (store, nodes) => {
      if (nodes.length === 0) return store;
      const own = openMemoryStore();
      return {
        append: async (drafts) => (await own).append(drafts),
        read: async (query) => (await own).read(query),
        tail: async (after, onAppended) => (await own).tail(after, onAppended),
        remove: async (query) => (await own).remove(query),
        close: async () => (await own).close(),
      };
    },
    'nodes: all know the same log',
  ],
  'every node has its secret': [
    replace((store, nodes) => ({
      read: async (query) => {
        const result = await store.read(query);
        return { ...result, epoch: { ...result.epoch, secret: result.epoch.secret + String(nodes.length) } };
      },
    })),
    'nodes: all know the same log',
  ],
  'tails see their own node only': [
    replace((store) => {
      const own = new Set<string>();
      return {
        append: async (drafts) => {
          for (const { id } of drafts) own.add(id);
          return store.append(drafts);
        },
        tail: (after, onAppended) =>
          store.tail(after, (batch) =>
            onAppended({ ...batch, entries: batch.entries.filter(({ id }) => own.has(id)) }),
          ),
      };
    }),
    'nodes: a tail delivers the entries that others append',
  ],
  'ids are known to their own node only': [
    replace((store, nodes) => ({
      append: (drafts) => store.append(drafts.map((draft) => ({ ...draft, id: `${draft.id}@${nodes.length}` }))),
    })),
    'nodes: an id that several nodes append concurrently is appended once',
  ],
  'ids of others are known too late': [
    replace((store, nodes) => {
      const since = new Map<string, Promise<void>>();
      return {
        append: async (drafts) => {
          for (const { id } of drafts) since.set(id, since.get(id) ?? turn());
          return store.append(drafts.map((draft) => (nodes.length === 0 ? draft : { ...draft, id: `${draft.id}'` })));
        },
      };
    }),
    'nodes: an id is a duplicate if another node has appended it',
  ],
  'arrays of different nodes mix': [
    replace((store, nodes) => ({
      append: async (drafts) => {
        if (nodes.length === 0) return store.append(drafts);
        const results = [];
        for (const draft of drafts) results.push(await store.append([draft]));
        return { epoch: results[0]!.epoch, appended: results.flatMap(({ appended }) => appended) };
      },
    })),
    'nodes: arrays of concurrent appends do not mix, and all nodes see one order',
  ],
  'a lower position of another node appears late': [
    replace((store) => {
      const seen = new Set<number>();
      return {
        read: async (query) => {
          const result = await store.read(query);
          const late = (position: number): boolean => position % 5 === 0 && !seen.has(position) && !!seen.add(position);
          return { ...result, entries: result.entries.filter(({ position }) => !late(position)) };
        },
      };
    }),
    'nodes: a reader that continues from head misses nothing while all append',
  ],
  'closing one closes all': [
    replace((store, nodes) => ({
      close: async () => {
        for (const node of [...nodes, store]) await node.close();
      },
    })),
    'nodes: closing one store does not affect the others',
  ],
  'the log is removed when the node that wrote it closes': [
    replace((store, nodes) => ({
      read: async (query) => {
        const writerIsGone = await nodes[0]?.read(state).catch(() => true);
        return store.read(writerIsGone === true ? { ...query, topics: [] } : query);
      },
    })),
    'nodes: the log remains after the node that wrote it has closed',
  ],
};
