import 'reflect-metadata';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import type { Page } from 'nest-notifications';
import { format } from 'prettier';
import { twoNodes } from '../../examples/two-nodes.js';
import { isStore, openStore } from '../../src/demo/store.js';
import { ENGINES, RETENTION, type SharedEngine } from '../support/engines/shared.js';

for (const { name, missing, start } of Object.values(ENGINES)) {
  (missing() ? describe.skip : describe)(`the example's two nodes on ${name}`, () => {
    let engine: SharedEngine;
    let nodes: Awaited<ReturnType<typeof twoNodes>>;

    beforeAll(async () => {
      engine = await start();
      nodes = await twoNodes(openStore(engine.store(), RETENTION));
    }, 60_000);

    // That nothing is left open then is seen by test/environment.mjs.
    afterAll(async () => {
      await nodes.close();
      await engine.stop();
    }, 60_000);

    test('deliver a notification of one node to a poll that the other node holds', async () => {
      // A node may lag behind a notification that it has published itself.
      let { cursor } = await page(nodes.urls[0], 'latest', 0);
      for (const [here, there] of [nodes.urls, nodes.urls.toReversed()] as [string, string][]) {
        const held = page(here, cursor, 20);
        // When another request is answered, the node has read this one.
        await page(here, cursor, 0);
        const id = await publish(there, { from: there });
        const next = await held;
        expect(next).toMatchObject({ notifications: [{ id, topic: 'news', data: { from: there } }] });
        cursor = next.cursor;
      }
    });

    test('accept each other’s cursors without loss or repetition', async () => {
      // This node has delivered the last notification of the test before. The other one may lag.
      let { cursor } = await page(nodes.urls[1], 'latest', 0);
      const published: string[] = [];
      const seen: string[] = [];
      for (let step = 0; step < 10; step++) {
        const [here, there] = step % 2 ? nodes.urls : nodes.urls.toReversed();
        published.push(await publish(here!, { step }));
        const next = await page(there!, cursor, 20);
        seen.push(...next.notifications.map(({ id }) => id));
        expect(next.gap).toBeUndefined();
        cursor = next.cursor;
      }
      expect(seen).toEqual(published);
    });

    test('end their streams and their processes when they close', async () => {
      const { urls, close } = await twoNodes(openStore(engine.store(), RETENTION));
      const streams = await Promise.all(
        urls.map((url) => fetch(`${url}/notifications?topic=news`, { headers: { accept: 'text/event-stream' } })),
      );
      await close();
      for (const stream of streams) expect(await stream.text()).toMatch(/^retry: \d+$/m);
      for (const url of urls) await expect(fetch(url)).rejects.toThrow('fetch failed');
    });
  });
}

describe('compose.yaml', () => {
  const text = readFileSync(new URL('../../compose.yaml', import.meta.url), 'utf8');

  test('is YAML', async () => {
    expect(await format(text, { parser: 'yaml', printWidth: 120, singleQuote: true })).toBe(text);
  });

  test('opens ports to this machine only', () => {
    const ports = text.split('\n').filter((line) => /^ +ports:/.test(line));
    expect(ports).toHaveLength(3);
    for (const line of ports) expect(line).toMatch(/^ +ports: \['127\.0\.0\.1:(\d+):\1'\]$/);
  });

  test('has the STORE value of every engine, with the published port', () => {
    const stores = [...text.matchAll(/# STORE='?([^\s']+)'? npm start/g)].map(([, store = '']) => store);
    expect(stores.filter(isStore)).toHaveLength(3);
    for (const store of stores) expect(text).toContain(`'${new URL(store).host}:${new URL(store).port}'`);
  });

  test('sets every engine to keep what it acknowledges', () => {
    expect(text).toContain('--appendonly yes --appendfsync always --maxmemory-policy noeviction');
    expect(text).toContain('jetstream { sync_interval: always }');
    // PostgreSQL does by itself.
    expect(text).not.toMatch(/fsync=off|synchronous_commit/);
  });
});

async function page(url: string, cursor: string, wait: number): Promise<Page> {
  const response = await fetch(`${url}/notifications?topic=news&cursor=${cursor}&wait=${wait}`);
  expect(response.status).toBe(200);
  return (await response.json()) as Page;
}

async function publish(url: string, data: unknown): Promise<string> {
  const response = await fetch(`${url}/notifications`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ topic: 'news', type: 'headline', data }),
  });
  expect(response.status).toBe(201);
  const { ids } = (await response.json()) as { ids: [string] };
  return ids[0];
}
