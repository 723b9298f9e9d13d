import type { Epoch } from '../../../src/core/store.js';
import { type Fault, type Faults, inResult, replace } from './kit.js';

const SECRET = 'x'.repeat(22);

const withEpoch = (change: (epoch: Epoch) => Epoch): Fault => inResult(({ epoch }) => ({ epoch: change(epoch) }));

export const lifecycleFaults: Faults = {
  'an epoch for every call': [
    withEpoch(() => ({ id: String(Math.random()), secret: SECRET })),
    'epoch: has an id and a secret that do not change',
  ],
  'an epoch without an id': [
    withEpoch(({ secret }) => ({ id: '', secret })),
    'epoch: has an id and a secret that do not change',
  ],
  'a short secret': [
    withEpoch(({ id }) => ({ id, secret: 'secret' })),
    'epoch: has an id and a secret that do not change',
  ],
  'a secret that is the id': [
    withEpoch(({ id }) => ({ id, secret: id })),
    'epoch: has an id and a secret that do not change',
  ],
  'one epoch for all logs': [
    withEpoch(({ secret }) => ({ id: 'log', secret })),
    'epoch: no two logs share an id or a secret',
  ],
  'one secret for all logs': [
    withEpoch(({ id }) => ({ id, secret: SECRET })),
    'epoch: no two logs share an id or a secret',
  ],
  'close does nothing': [
    replace(() => ({ close: async () => undefined })),
    'close: later calls reject with store_unavailable',
  ],
  'rejects with any error after close': [
    replace((store) => {
      let closed = false;
      const assertOpen = (): void => {
        if (closed) throw new Error('Connection is closed.');
      };
      return {
        append: async (drafts) => (assertOpen(), store.append(drafts)),
        read: async (query) => (assertOpen(), store.read(query)),
        tail: async (after, onAppended) => (assertOpen(), store.tail(after, onAppended)),
        close: async () => {
          closed = true;
          await store.close();
        },
      };
    }),
    'close: later calls reject with store_unavailable',
  ],
  'pending calls never settle after close': [
    replace((store) => {
      let closed = false;
      return {
        append: async (drafts) => {
          const result = await store.append(drafts);
          return closed ? new Promise(() => undefined) : result;
        },
        close: async () => {
          closed = true;
          await store.close();
        },
      };
    }),
    'close: calls under way settle',
  ],
  'a call that never settles': [
    replace(() => ({ read: () => new Promise(() => undefined) })),
    'read: starts strictly after a position',
  ],
};

/** For stores that keep the newest notifications only. */
export const retentionFaults: Faults = {
  '`trimmed` is one too low': [
    inResult(({ trimmed }) => ({ trimmed: Math.max(0, trimmed - 1) })),
    'retention: `trimmed` is the highest removed position, and no entry above it is missing',
  ],
  '`trimmed` is one too high': [
    inResult(({ trimmed }) => ({ trimmed: trimmed && trimmed + 1 })),
    'retention: `trimmed` is the highest removed position, and no entry above it is missing',
  ],
  '`trimmed` is always 0': [
    inResult(() => ({ trimmed: 0 })),
    'retention: `trimmed` is the highest removed position, and no entry above it is missing',
  ],
  'keeps fewer entries than the retention allows': [
    inResult(({ entries, head }) => ({
      entries: entries.filter(({ position }) => position > head - 5),
      trimmed: head - 5,
    })),
    'retention: `trimmed` is the highest removed position, and no entry above it is missing',
  ],
  'reads below trimmed find nothing': [
    inResult(({ entries, trimmed }, { after }) => (after < trimmed ? { entries: [], more: false } : { entries })),
    'retention: removed entries are omitted silently',
  ],
  'trimmed for one topic only': [
    inResult(({ entries, trimmed }, { topics }) => ({
      entries: topics.length === 1 ? entries.filter(({ position }) => position > trimmed + 2) : entries,
    })),
    'retention: every topic has all its entries above `trimmed`',
  ],
  'records push out notifications': [
    replace((store) => {
      const positions: number[] = [];
      return {
        append: async (drafts) => {
          const result = await store.append(drafts);
          positions.push(...result.appended.map(({ position }) => position));
          return result;
        },
        read: async (query) => {
          const result = await store.read(query);
          const trimmed = Math.max(result.trimmed, positions.at(-41) ?? 0);
          return { ...result, entries: result.entries.filter(({ position }) => position > trimmed), trimmed };
        },
      };
    }),
    'retention: records of the library do not evict notifications',
  ],
  'a tail that does not report missing entries': [
    replace((store) => ({
      tail: (after, onAppended) =>
        store.tail(after, (batch) => onAppended({ ...batch, after: Math.min(after, batch.after) })),
    })),
    'retention: a tail from a removed position reports the gap in its first batch',
  ],
};
