import type { StoreAbilities } from '../../../src/core/abilities.js';
import type { Store } from '../../../src/core/store.js';
import { type Fault, type Faults, replace, turn } from './kit.js';

type Claim = StoreAbilities['claim'];
type Lookup = StoreAbilities['positionsOf'];
type Full = Store & StoreAbilities;

const inClaim = (over: (claim: Claim, store: Full, nodes: readonly Store[]) => Claim): Fault =>
  replace((store, nodes) => {
    const full = store as Full;
    return { claim: over((key, ttlMs) => full.claim(key, ttlMs), full, nodes) };
  });

const inLookup = (over: (lookUp: Lookup, store: Full, nodes: readonly Store[]) => Lookup): Fault =>
  replace((store, nodes) => {
    const full = store as Full;
    return { positionsOf: over((ids) => full.positionsOf(ids), full, nodes) };
  });

export const claimFaults: Faults = {
  'hides an ability': [
    (store) => ({
      append: (drafts) => store.append(drafts),
      read: (query) => store.read(query),
      tail: (after, onAppended) => store.tail(after, onAppended),
      remove: (query) => store.remove(query),
      close: () => store.close(),
    }),
    'abilities: the store has exactly the abilities in the option `abilities`',
  ],
  'claims every time': [inClaim(() => async () => true), 'claim: a key can be claimed once'],
  'checks a key before it claims it': [
    inClaim((claim) => {
      const claimed = new Set<string>();
      return async (key, ttlMs) => {
        const isFree = !claimed.has(key);
        await turn();
        claimed.add(key);
        return (await claim(key, ttlMs)) || isFree;
      };
    }),
    'claim: exactly one of several concurrent claims of a key succeeds',
  ],
  'one claim per time to live': [
    inClaim((claim) => (key, ttlMs) => claim(key.length > 60 ? key : `${key}-${ttlMs}`, ttlMs)),
    'claim: a claim of a claimed key fails, also with another time to live',
  ],
  'keys in lower case': [
    inClaim((claim) => (key, ttlMs) => claim(key.toLowerCase(), ttlMs)),
    'claim: keys that differ in any character are different keys',
  ],
  'claims by appending to the log': [
    inClaim((_, store) => async (id) => {
      const { appended } = await store.append([{ id, topic: 'orders', json: '{}' }]);
      return !appended[0]?.duplicate;
    }),
    'claim: does not change the log, and appends do not change claims',
  ],
  'claims any key': [
    inClaim((claim) => (key, ttlMs) => claim(key.replace(/[^A-Za-z0-9_-]/g, '') || 'none', ttlMs)),
    'claim: rejects a key or a time that it does not allow',
  ],
  'claims after close': [
    replace((store) => {
      let closed = false;
      return {
        claim: async (key, ttlMs) => closed || (store as Full).claim(key, ttlMs),
        close: async () => {
          closed = true;
          await store.close();
        },
      };
    }),
    'claim: rejects with store_unavailable after close',
  ],
  'pending claims never settle after close': [
    replace((store) => {
      let closed = false;
      return {
        claim: async (key, ttlMs) => {
          await turn();
          return closed ? new Promise(() => undefined) : (store as Full).claim(key, ttlMs);
        },
        close: async () => {
          closed = true;
          await store.close();
        },
      };
    }),
    'claim: a claim under way settles when the store closes',
  ],
  'forgets a claim after later appends': [
    inClaim((claim, store) => async (key, ttlMs) => {
      const { head } = await store.read({ topics: [], after: 0, limit: 0, bytesMax: 0 });
      return claim(`${key.slice(0, 50)}-${Math.floor(head / 10)}`, ttlMs);
    }),
    'claim: remains after retention has removed notifications',
  ],
  'claims are known to their own node only': [
    inClaim((claim, _, nodes) => (key, ttlMs) => claim(`${key.slice(0, 60)}-${nodes.length}`, ttlMs)),
    'nodes: a key that one node has claimed is claimed on all nodes',
  ],
  'a node claims what another is claiming': [
    inClaim((claim, _, nodes) => (key, ttlMs) => claim(nodes.length ? `${key.slice(0, 60)}-2` : key, ttlMs)),
    'nodes: exactly one of several concurrent claims on different nodes succeeds',
  ],
  'claims end with their node': [
    inClaim((claim, _, nodes) => (key, ttlMs) => claim(nodes.length ? `${key.slice(0, 60)}-2` : key, ttlMs)),
    'nodes: a claim outlives the node that made it',
  ],
};

export const lookupFaults: Faults = {
  'finds nothing': [
    inLookup(() => async (ids) => ids.map(() => undefined)),
    'positionsOf: gives the position of each known id, in order, and undefined for the others',
  ],
  'leaves out unknown ids': [
    inLookup((lookUp) => async (ids) => (await lookUp(ids)).filter((position) => position !== undefined)),
    'positionsOf: gives the position of each known id, in order, and undefined for the others',
  ],
  'one position too high': [
    inLookup((lookUp) => async (ids) => (await lookUp(ids)).map((position) => position && position + 1)),
    'positionsOf: finds the same positions as a repeated append',
  ],
  'appends the ids that it looks up': [
    inLookup((lookUp, store) => async (ids) => {
      const found = await lookUp(ids);
      await store.append(ids.map((id) => ({ id, topic: 'other', json: '{}' })));
      return found;
    }),
    'positionsOf: appends nothing',
  ],
  'ids in lower case': [
    inLookup((lookUp) => (ids) => lookUp(ids.map((id) => id.toLowerCase()))),
    'positionsOf: ids that differ in any character are different ids',
  ],
  'looks up after close': [
    inLookup((lookUp) => (ids) => lookUp(ids).catch(() => ids.map(() => undefined))),
    'positionsOf: rejects with store_unavailable after close',
  ],
  'finds what its own node appended only': [
    replace((store) => {
      const own = new Set<string>();
      return {
        append: async (drafts) => {
          for (const { id } of drafts) own.add(id);
          return store.append(drafts);
        },
        positionsOf: async (ids) =>
          (await (store as Full).positionsOf(ids)).map((position, index) =>
            own.has(ids[index]!) ? position : undefined,
          ),
      };
    }),
    'nodes: positionsOf finds an id as soon as another node has acknowledged it',
  ],
};
