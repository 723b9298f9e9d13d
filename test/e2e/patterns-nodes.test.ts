import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { NotificationsOptions } from 'nest-notifications';
import { sqliteStore } from 'nest-notifications/stores/sqlite';
import { forEachAdapter, ONE_ADAPTER } from '../support/http/adapters.js';
import { startApp, type TestApp } from '../support/http/app.js';
import { atTestEnd } from '../support/http/cleanup.js';
import { holdPoll, numbers, poll, publish } from '../support/http/feed.js';

forEachAdapter((adapter) => {
  /** Starts nodes on one log. */
  function nodesOfOneLog(): (options?: NotificationsOptions) => Promise<TestApp> {
    const folder = mkdtempSync(join(tmpdir(), 'nest-notifications-patterns-'));
    atTestEnd(() => rmSync(folder, { recursive: true, force: true }));
    const store = sqliteStore({ path: join(folder, 'log.db'), pollMs: 10 });
    return (options) => startApp(adapter, { notifications: { access: 'public', store, ...options } });
  }
  const patterns = ['orders.*'];
  const READ = 'topic=orders.*&wait=0';

  test('a node with other patterns uses the patterns of the log for its index', async () => {
    const start = nodesOfOneLog();
    const older = await start();
    const node = await start({ patterns });
    const { cursor } = (await poll(node, READ)).json;
    const held = await holdPoll(node, `topic=orders.*&cursor=${cursor}`);
    await publish(older, 'orders.1', 1, 1);
    expect(numbers((await held.response()).json.notifications)).toEqual([1]);
    await publish(older, 'other', 1, 2);
    await publish(older, 'orders.2', 1, 3);
    // A node without the notifications in its window reads the index of the store.
    const third = await start({ patterns });
    expect((await poll(third, `${READ}&cursor=${cursor}`)).json).toMatchObject({
      notifications: [{ data: { n: 1 } }, { data: { n: 3 } }],
      more: false,
    });
    expect((await poll(third, `${READ}&cursor=${cursor}`)).json.gap).toBeUndefined();
    expect((await poll(older, READ)).json.code).toBe('pattern_undeclared');
  });

  test('a cursor from before the declaration gets one gap, also after restarts of nodes', async () => {
    const start = nodesOfOneLog();
    const first = await start();
    const { cursor: old } = (await poll(first, 'topic=other&wait=0')).json;
    await publish(first, 'orders.1', 1, 1);
    await first.close();
    const declaring = await start({ patterns });
    await publish(declaring, 'orders.1', 1, 2);
    await declaring.close();
    // The pattern is removed from the options, and added again.
    const without = await start();
    await publish(without, 'orders.2', 1, 3);
    await without.close();
    const again = await start({ patterns });
    const { json } = await poll(again, `${READ}&cursor=${old}`);
    expect([numbers(json.notifications), json.gap]).toEqual([[2, 3], { reason: 'expired' }]);
    await publish(again, 'orders.3', 1, 4);
    const next = await poll(again, `${READ}&cursor=${json.cursor}`);
    expect([numbers(next.json.notifications), next.json.gap]).toEqual([[4], undefined]);
    const history = await poll(again, 'topic=orders.*&before=latest');
    expect([numbers(history.json.notifications), history.json.trimmed]).toEqual([[4, 3, 2], true]);
  });
}, ONE_ADAPTER);
