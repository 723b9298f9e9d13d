import type { Store, TailBatch } from '../../../src/core/store.js';

export const idsOf = (list: readonly { readonly id: string }[]): string[] => list.map(({ id }) => id);

/** All ids of a topic, read page by page. */
export async function readAllIds(store: Store, topic = 'orders', from = 0): Promise<string[]> {
  const ids: string[] = [];
  for (let after = from; ;) {
    const page = await store.read({ topics: [topic], after, limit: 1000, bytesMax: 2 ** 24 });
    ids.push(...idsOf(page.entries));
    after = page.entries.at(-1)?.position ?? after;
    if (!page.more) return ids;
  }
}

/** Opens a tail, and collects its batches. */
export async function follow(store: Store, after: number): Promise<TailBatch[]> {
  const batches: TailBatch[] = [];
  await store.tail(after, (batch) => {
    batches.push(batch);
  });
  return batches;
}

export const entriesOf = (batches: readonly TailBatch[]) => batches.flatMap(({ entries }) => entries);
