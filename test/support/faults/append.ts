import type { Draft } from '../../../src/core/notification.js';
import type { TailBatch } from '../../../src/core/store.js';
import { type Faults, inAppended, inDraft, replace, state, turn } from './kit.js';

export const appendFaults: Faults = {
  'one draft at a time': [
    replace((store) => ({
      append: async (drafts) => {
        const results = [];
        for (const draft of drafts) {
          results.push(await store.append([draft]));
          await Promise.resolve();
        }
        return { epoch: results[0]!.epoch, appended: results.flatMap(({ appended }) => appended) };
      },
    })),
    'append: arrays of concurrent appends do not mix, and all readers see one order',
  ],
  'in reverse': [
    replace((store) => ({
      append: async (drafts) => {
        const { epoch, appended } = await store.append([...drafts].reverse());
        return { epoch, appended: [...appended].reverse() };
      },
    })),
    'append: the drafts of an array are next to each other, in their order',
  ],
  'answers in reverse': [
    replace((store) => ({
      append: async (drafts) => {
        const { epoch, appended } = await store.append(drafts);
        return { epoch, appended: [...appended].reverse() };
      },
    })),
    'append: returns one result per draft, in the order of the drafts',
  ],
  'returns a position that is too low': [
    inAppended(({ position }) => ({ position: position - 1 })),
    'append: positions are safe integers above 0 and strictly increasing',
  ],
  'positions beyond 2^53': [
    inAppended(({ position }) => ({ position: position + 2 ** 53 })),
    'append: positions are safe integers above 0 and strictly increasing',
  ],
  'one position for an array': [
    inAppended(({ position }, index) => ({ position: position - index })),
    'append: positions are safe integers above 0 and strictly increasing',
  ],
  'says duplicate to everything': [
    inAppended(() => ({ duplicate: true })),
    'append: returns one result per draft, in the order of the drafts',
  ],
  'never says duplicate': [
    inAppended(() => ({ duplicate: false })),
    'append: returns the first position for a repeated id, and appends nothing',
  ],
  'answers a duplicate with another position': [
    inAppended(({ duplicate, position }) => (duplicate ? { position: position + 1 } : {})),
    'append: an array may hold old ids and new ones',
  ],
  'does not see an id that an array repeats': [
    replace((store) => ({
      append: (drafts) => {
        const seen = new Set<string>();
        const fresh = ({ id }: Draft): boolean => !seen.has(id) && !!seen.add(id);
        return store.append(drafts.map((draft) => (fresh(draft) ? draft : { ...draft, id: `${draft.id}'` })));
      },
    })),
    'append: an id that an array repeats is appended once',
  ],
  'checks an id before the append has reserved it': [
    replace((store) => {
      const known = new Set<string>();
      return {
        append: async (drafts) => {
          const ids = drafts.map(({ id }) => (known.has(id) ? id : `${id}-${Math.random()}`));
          await turn();
          for (const { id } of drafts) known.add(id);
          return store.append(drafts.map((draft, index) => ({ ...draft, id: ids[index]! })));
        },
      };
    }),
    'append: an id in several concurrent appends is appended once',
  ],
  'ids in lower case': [
    inDraft(({ id }) => ({ id: id.toLowerCase() })),
    'append: ids that differ in any character are different ids',
  ],
  'delivers duplicates to tails': [
    replace((store) => {
      const told: ((batch: TailBatch) => void)[] = [];
      return {
        append: async (drafts) => {
          const result = await store.append(drafts);
          const { head } = await store.read(state);
          const entries = drafts
            .map((draft, index) => ({ ...draft, bytes: draft.json.length, position: result.appended[index]!.position }))
            .filter((_, index) => result.appended[index]!.duplicate);
          for (const tell of told) tell({ epoch: result.epoch, after: head, entries, head });
          return result;
        },
        tail: (after, onAppended) => {
          told.push(onAppended);
          return store.tail(after, onAppended);
        },
      };
    }),
    'append: tails do not receive an id that is appended again',
  ],
  'another epoch': [
    replace((store) => ({
      append: async (drafts) => ({ ...(await store.append(drafts)), epoch: { id: 'other', secret: 'x'.repeat(22) } }),
    })),
    'append: returns the same epoch as a read',
  ],
  'JSON parsed and serialised again': [
    inDraft(({ json }) => ({ json: JSON.stringify(JSON.parse(json)) })),
    'read and tail: JSON is returned byte for byte, with its length in UTF-8',
  ],
  'JSON in Latin-1': [
    inDraft(({ json }) => ({ json: Buffer.from(json, 'latin1').toString('latin1') })),
    'read and tail: JSON is returned byte for byte, with its length in UTF-8',
  ],
};
