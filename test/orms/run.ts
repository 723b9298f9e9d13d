import type { OpenOutbox, Publication } from './outbox.js';

/** `run.ts <library> <url> <publications>`: ships order 1 in a transaction that fails, then order 2. */
const [library = '', url = '', json = ''] = process.argv.slice(2);
const { undone, done } = JSON.parse(json) as Record<'undone' | 'done', Publication>;
const { open } = (await import(`./${library}.ts`)) as { open: OpenOutbox };
const outbox = await open(url);
const failure = new Error('the application gave up');
const error = await outbox.ship(1, undone, failure).catch((caught: unknown) => caught);
if (error !== failure) throw new Error(`the transaction ended with ${String(error)}`);
await outbox.ship(2, done);
await outbox.close();
