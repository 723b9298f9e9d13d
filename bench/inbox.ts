/**
 * The cost of an inbox with 10, 1,000 and 100,000 items: its counts, and its first page.
 *
 *     npm run bench:inbox              # in memory
 *     npm run bench:inbox -- sqlite    # or redis, postgres, nats
 *
 * Prints the median of the calls in milliseconds, first with all items unread, and then with all of
 * them read.
 */
import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { getNotificationsToken, memoryStore, type NotificationsService, type StoreFactory } from '../src/index.js';
import { InboxModule, InboxService } from '../src/inbox/index.js';
import { openStore } from '../src/demo/store.js';
import { ENGINES, RETENTION } from '../test/support/engines/shared.js';

const SIZES = [10, 1_000, 100_000];
const CALLS = 200;
const PAGE = 20;
/** Items of one append: the maximum of the option `publish.notificationsMax`. */
const BATCH = 100;
const MEMORY = memoryStore({ ...RETENTION });

Logger.overrideLogger(false);
const kind = process.argv[2] ?? 'memory';
const engine = kind in ENGINES ? await ENGINES[kind as keyof typeof ENGINES].start() : undefined;
const store: StoreFactory = engine ? openStore(engine.store(), RETENTION) : MEMORY;
const inboxModule = InboxModule.forRoot({ access: { subscriber: () => undefined }, controller: false, store });
const app = await NestFactory.createApplicationContext(inboxModule);
const inbox = app.get(InboxService, { strict: false });
const feed = app.get<NotificationsService>(getNotificationsToken('inbox'), { strict: false });

for (const size of SIZES) {
  const subscriber = `subscriber-${size}`;
  await inbox.send(subscriber, { type: 'comment' });
  const [first] = (await inbox.list(subscriber)).items;
  for (let sent = 1; sent < size; sent += BATCH) {
    const items = Array.from({ length: Math.min(BATCH, size - sent) }, (_, index) => ({
      topic: first?.notification.topic ?? '',
      type: 'comment',
      data: { text: 'Ann has commented on your post', n: sent + index },
    }));
    await feed.publishAll(items);
  }
  await report(`${size} items, unread`, subscriber);
  await inbox.markRead(subscriber, { upTo: (await inbox.list(subscriber)).follow });
  await report(`${size} items, read`, subscriber);
}
await app.close();
await engine?.stop();

async function report(name: string, subscriber: string): Promise<void> {
  const counts = await median(() => inbox.counts(subscriber));
  const page = await median(() => inbox.list(subscriber, { limit: PAGE }));
  process.stdout.write(
    `${kind}  ${name.padEnd(22)} counts ${counts.toFixed(3)} ms  first page ${page.toFixed(3)} ms\n`,
  );
}

async function median(call: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < CALLS; n++) {
    const startMs = performance.now();
    await call();
    times.push(performance.now() - startMs);
  }
  return times.sort((one, other) => one - other)[CALLS / 2] ?? 0;
}
