import { expect, test } from '@jest/globals';
import { runtime } from '../../src/client/environment.js';
import { readPages } from '../../src/client/inbox/pages.js';

const COUNTS = { unseen: 0, unread: 0, total: 0, cap: 100, types: {} };
/** The test ends the loop of a client that does not stop by itself. */
const REQUESTS_MAX = 50;

/** Reads from a server that has a number of empty pages between two pages of one item. */
async function read([newest, oldest]: readonly [string, string], empty: number) {
  let requests = 0;
  const fetch = (): Promise<Response> => {
    requests++;
    const id = requests === 1 ? newest : oldest;
    const hasItem = requests === 1 || requests === empty + 2;
    const more = requests < Math.min(empty + 2, REQUESTS_MAX);
    const items = hasItem ? [{ notification: { id } }] : [];
    const page = { items, counts: COUNTS, cursor: `c${requests}`, more, follow: 'f' };
    return Promise.resolve(new Response(JSON.stringify(page)));
  };
  const options = { url: 'http://127.0.0.1/inbox', signal: new AbortController().signal };
  const result = await readPages({ ...runtime, fetch }, options, 10);
  return { requests, result };
}

test('pages without items are skipped', async () => {
  const { requests, result } = await read(['a', 'b'], 9);
  expect(requests).toBe(11);
  expect(result).toMatchObject({ items: [{ notification: { id: 'a' } }, { notification: { id: 'b' } }], more: false });
});

test('a list ends if the pages of a server remain empty', async () => {
  const { requests, result } = await read(['a', 'b'], Infinity);
  expect(requests).toBe(21);
  expect(result).toMatchObject({ items: [{ notification: { id: 'a' } }], more: true });
});
