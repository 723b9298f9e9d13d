import { type Faults, inBatch, replace, reversed, state, turn } from './kit.js';

export const tailFaults: Faults = {
  'drops an entry': [
    inBatch((batch) => [{ ...batch, entries: batch.entries.filter(({ position }) => position % 7 !== 3) }]),
    'tail: from a position in the past, delivers existing entries and then new ones',
  ],
  'delivers everything twice': [
    inBatch((batch) => [batch, batch]),
    'tail: delivers appends of every topic once it is armed',
  ],
  'in reverse': [
    inBatch((batch) => [{ ...batch, entries: reversed(batch.entries) }]),
    'append: arrays of concurrent appends do not mix, and all readers see one order',
  ],
  'one topic only': [
    inBatch((batch) => [{ ...batch, entries: batch.entries.filter(({ topic }) => topic === 'orders') }]),
    'tail: delivers appends of every topic once it is armed',
  ],
  'a hole between batches': [
    inBatch((batch) => [{ ...batch, after: batch.after + 1 }]),
    'tail: does not deliver older entries when it starts at the head',
  ],
  'head ahead of its entries': [
    inBatch((batch) => [{ ...batch, head: batch.head + 1 }]),
    'tail: from a position in the past, delivers existing entries and then new ones',
  ],
  'another epoch': [
    inBatch((batch) => [{ ...batch, epoch: { id: 'other', secret: 'x'.repeat(22) } }]),
    'tail: delivers batches with the same epoch as reads',
  ],
  'starts from the head': [
    replace((store) => ({
      tail: async (_after, onAppended) => store.tail((await store.read(state)).head, onAppended),
    })),
    'tail: from a position in the past, delivers existing entries and then new ones',
  ],
  'starts from the beginning': [
    replace((store) => ({ tail: (_after, onAppended) => store.tail(0, onAppended) })),
    'tail: delivers every later entry when it starts at the head during appends',
  ],
  'resolves before it is armed': [
    replace((store) => ({
      tail: async (_after, onAppended) => {
        void turn()
          .then(async () => store.tail((await store.read(state)).head, onAppended))
          .catch(() => undefined);
        return { close: async () => undefined };
      },
    })),
    'tail: delivers appends of every topic once it is armed',
  ],
  'loses an append between the read and the registration': [
    replace((store) => ({
      tail: async (after, onAppended) => {
        const { head } = await store.read(state);
        const old = await store.tail(after, onAppended);
        await old.close();
        for (let i = 0; i < 20; i++) await Promise.resolve();
        const armed = await store.tail((await store.read(state)).head, (batch) =>
          onAppended({ ...batch, after: Math.max(head, after) }),
        );
        return armed;
      },
    })),
    'tail: loses and repeats nothing when it opens while others append',
  ],
  'continues after its close': [
    replace((store) => ({
      tail: async (after, onAppended) => {
        await store.tail(after, onAppended);
        return { close: async () => undefined };
      },
    })),
    'tail: the callback is not called again after `close` of the tail has resolved',
  ],
  'a second tail with the same callback is ignored': [
    replace((store) => {
      const known = new Set<unknown>();
      return {
        tail: async (after, onAppended) => {
          if (known.has(onAppended)) return { close: async () => undefined };
          known.add(onAppended);
          return store.tail(after, onAppended);
        },
      };
    }),
    'tail: several tails are independent, even with the same callback',
  ],
  'never called': [
    replace((store) => ({ tail: (after) => store.tail(after, () => undefined) })),
    'tail: delivers appends of every topic once it is armed',
  ],
};
