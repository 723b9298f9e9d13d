/**
 * The cost of an inbox with 10, 1,000 and 100,000 items: its counts, and its first page.
 *
 *     npm run bench:inbox              # in memory
 *     npm run bench:inbox -- sqlite    # or redis, postgres, nats
 *
 * Prints the median of the calls in milliseconds, first with all items unread, and then with all of
 * them read. Each inbox has a log of its own. The calls of the three inboxes alternate, so other
 * load of the machine affects all of them alike.
 */
import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { getNotificationsToken, memoryStore, type NotificationsService, type StoreFactory } from '../src/index.js';
import { InboxModule, InboxService } from '../src/inbox/index.js';
import { openStore } from '../src/demo/store.js';
import { ENGINES, RETENTION } from '../test/support/engines/shared.js';
import { median } from './median.js';

const SIZES = [10, 1_000, 100_000];
const CALLS = 1_000;
const PAGE = 20;
/** Items of one append: the maximum of the option `publish.notificationsMax`. */
const BATCH = 100;

Logger.overrideLogger(false);
const kind = process.argv[2] ?? 'memory';
const ends: (() => Promise<unknown>)[] = [];
const inboxes = new Map<number, InboxService>();
for (const size of SIZES) inboxes.set(size, await filled(size));
await report('unread');
for (const inbox of inboxes.values()) await inbox.markRead('ann', { upTo: (await inbox.list('ann')).follow });
await report('read');
for (const end of ends.reverse()) await end();

/** An inbox with this number of items, in an engine of its own. */
async function filled(size: number): Promise<InboxService> {
  const engine = kind in ENGINES ? await ENGINES[kind as keyof typeof ENGINES].start() : undefined;
  const store: StoreFactory = engine ? openStore(engine.store(), RETENTION) : memoryStore({ ...RETENTION });
  const inboxModule = InboxModule.forRoot({ access: { subscriber: () => undefined }, controller: false, store });
  const app = await NestFactory.createApplicationContext(inboxModule);
  ends.push(
    async () => engine?.stop(),
    () => app.close(),
  );
  const inbox = app.get(InboxService, { strict: false });
  const feed = app.get<NotificationsService>(getNotificationsToken('inbox'), { strict: false });
  await inbox.send('ann', { type: 'comment' });
  const [first] = (await inbox.list('ann')).items;
  for (let sent = 1; sent < size; sent += BATCH) {
    const items = Array.from({ length: Math.min(BATCH, size - sent) }, (_, index) => ({
      topic: first?.notification.topic ?? '',
      type: 'comment',
      data: { text: 'Ann has commented on your post', n: sent + index },
    }));
    await feed.publishAll(items);
  }
  return inbox;
}

async function report(state: string): Promise<void> {
  const calls = { counts: new Map<number, number[]>(), 'first page': new Map<number, number[]>() };
  for (let n = 0; n < CALLS; n++) {
    for (const [size, inbox] of inboxes) {
      await measure(calls.counts, size, () => inbox.counts('ann'));
      await measure(calls['first page'], size, () => inbox.list('ann', { limit: PAGE }));
    }
  }
  for (const [name, times] of Object.entries(calls)) {
    const medians = SIZES.map((size) => `${size} items: ${median(times.get(size) ?? []).toFixed(3)} ms`);
    process.stdout.write(`${kind}  ${state}, ${name}  ${medians.join('  ')}\n`);
  }
}

async function measure(times: Map<number, number[]>, size: number, call: () => Promise<unknown>): Promise<void> {
  const startMs = performance.now();
  await call();
  times.set(size, [...(times.get(size) ?? []), performance.now() - startMs]);
}
