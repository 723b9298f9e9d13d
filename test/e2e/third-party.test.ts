import { afterAll, beforeAll, expect, test } from '@jest/globals';
import axios, { isAxiosError } from 'axios';
import { EventSource } from 'eventsource';
import { createParser } from 'eventsource-parser';
import { got } from 'got';
import type { Notification, Page } from 'nest-notifications';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { poll } from '../../examples/poll-loop.js';
import { findProgram } from '../browser/main-process.js';
import { forEachAdapter, ONE_ADAPTER } from '../support/http/adapters.js';
import { startApp } from '../support/http/app.js';
import { atTestEnd } from '../support/http/cleanup.js';
import { publish, upTo } from '../support/http/feed.js';
import { Server } from '../support/http/restart.js';
import { until } from '../support/time/until.js';
import { pause } from '../support/time/pause.js';

type Listener = (notifications: readonly Notification[]) => void;

/** Follows the topic of a feed until the signal aborts. */
type Client = (feed: string, onNotifications: Listener, signal: AbortSignal) => Promise<void>;

const QUERY = 'topic=orders';
/** A pause after a failure, in milliseconds. */
const PAUSE_MS = 20;

const eventSource: Client = async (feed, onNotifications, signal) => {
  const source = new EventSource(`${feed}?${QUERY}`);
  source.onmessage = ({ data }) => onNotifications([JSON.parse(data as string) as Notification]);
  await aborted(signal);
  source.close();
};

const eventSourceParser: Client = async (feed, onNotifications, signal) => {
  let lastEventId = '';
  await again(signal, async () => {
    const headers = { Accept: 'text/event-stream', 'Last-Event-ID': lastEventId };
    const { body } = await fetch(`${feed}?${QUERY}`, { headers, signal });
    const parser = createParser({
      onEvent: ({ event, data, id }) => {
        lastEventId = id ?? lastEventId;
        if (event === undefined) onNotifications([JSON.parse(data) as Notification]);
      },
    });
    for await (const text of body!.pipeThrough(new TextDecoderStream())) parser.feed(text);
  });
};

const axiosLoop: Client = async (feed, onNotifications, signal) => {
  let place: { cursor: string } | { wait: 0 } = { wait: 0 };
  await again(signal, async () => {
    const { data } = await axios.get<Page>(feed, { params: { topic: 'orders', ...place }, signal });
    place = { cursor: data.cursor };
    onNotifications(data.notifications);
  });
};

/** It tries again by itself, and obeys `Retry-After`. */
const gotLoop: Client = async (feed, onNotifications, signal) => {
  let place: { cursor: string } | { wait: 0 } = { wait: 0 };
  const retry = { limit: 100, backoffLimit: 100 };
  await again(signal, async () => {
    const page: Page = await got(feed, { searchParams: { topic: 'orders', ...place }, retry, signal }).json();
    place = { cursor: page.cursor };
    onNotifications(page.notifications);
  });
};

const fetchLoop: Client = (feed, onNotifications, signal) =>
  poll(`${feed}?${QUERY}`, (page) => onNotifications(page.notifications), signal);

const curlLoop: Client = async (feed, onNotifications, signal) => {
  const shell = spawn('sh', [example('poll.sh'), `${feed}?${QUERY}`], {
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  createInterface(shell.stdout).on('line', (line) => onNotifications((JSON.parse(line) as Page).notifications));
  await aborted(signal);
  // Waits together with the curl process that the script runs.
  process.kill(-shell.pid!);
  await once(shell, 'close');
};

const curlStream: Client = async (feed, onNotifications, signal) => {
  let lastEventId = '';
  await again(signal, async () => {
    const headers = ['-H', 'Accept: text/event-stream', '-H', `Last-Event-ID: ${lastEventId}`];
    const curl: ChildProcess = spawn('curl', ['-sN', ...headers, `${feed}?${QUERY}`], { signal });
    const parser = createParser({
      onEvent: ({ event, data, id }) => {
        lastEventId = id ?? lastEventId;
        if (event === undefined) onNotifications([JSON.parse(data) as Notification]);
      },
    });
    curl.stdout!.setEncoding('utf8').on('data', (text: string) => {
      parser.feed(text);
    });
    curl.on('error', () => undefined);
    await once(curl, 'close');
    await pause(PAUSE_MS);
  });
};

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'third-party-'));
const goProgram = join(folder, 'poll');
const example = (name: string): string => join(root, 'examples', name);

/** A program that prints one line of JSON for each notification. */
const program =
  (file: string, ...args: string[]): Client =>
  async (feed, onNotifications, signal) => {
    const child = spawn(file, [...args, `${feed}?${QUERY}`], { stdio: ['ignore', 'pipe', 'ignore'] });
    createInterface(child.stdout).on('line', (line) => onNotifications([JSON.parse(line) as Notification]));
    await aborted(signal);
    const closed = once(child, 'close');
    child.kill();
    await closed;
  };

const pythonLoop = program('python3', example('poll.py'));
const goLoop = program(goProgram);
const isInstalled = (file: string, ...args: string[]): boolean =>
  process.env.CI === 'true' || spawnSync(file, args).status === 0;
const hasGo = isInstalled('go', 'version');

const withPrograms: [string, Client][] = [
  ...(isInstalled('python3', '-c', 'import requests') ? [['a loop in Python', pythonLoop] as [string, Client]] : []),
  ...(hasGo ? [['a loop in Go', goLoop] as [string, Client]] : []),
];

beforeAll(() => {
  if (!hasGo) return;
  execFileSync('go', ['build', '-o', goProgram, example('poll.go')], {
    env: { ...process.env, GO111MODULE: 'off', GOCACHE: join(root, 'node_modules/.cache/go') },
  });
}, 120_000);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const withCurl: [string, Client][] = findProgram(['curl'])
  ? [
      ['a shell loop with curl', curlLoop],
      ['curl -N', curlStream],
    ]
  : [];

const CLIENTS: [string, Client][] = [
  ['eventsource', eventSource],
  ['fetch with eventsource-parser', eventSourceParser],
  ['a loop with axios', axiosLoop],
  ['a loop with got', gotLoop],
  ['a loop with fetch, as in the guide', fetchLoop],
  ...withCurl,
];

forEachAdapter((adapter) => {
  test.each([...CLIENTS, ...withPrograms])(
    '%s receives notifications at once, and misses none when its connection breaks and the server restarts',
    async (_, client) => {
      const server = await Server.start((options) => startApp(adapter, options));
      const got: number[] = [];
      const stop = new AbortController();
      const running = client(
        `http://127.0.0.1:${server.app.port}/notifications`,
        (notifications) => got.push(...notifications.map(({ data }) => (data as { n: number }).n)),
        stop.signal,
      );
      const leave = async (): Promise<void> => {
        stop.abort();
        await running;
      };
      atTestEnd(leave);
      await until(() => server.app.counts().waiters === 1);
      await publish(server.app, 'orders', 3);
      await until(() => got.length === 3);
      for (const from of [4, 7]) {
        for (const socket of server.app.sockets) socket.destroy();
        await publish(server.app, 'orders', 3, from);
        await until(() => got.length >= from + 2);
      }
      await server.restart();
      // Closes the clients before the new server, because the server's close waits for them.
      atTestEnd(leave);
      await publish(server.app, 'orders', 2, 10);
      await until(() => got.length >= 11);
      await until(() => server.app.counts().waiters === 1);
      await publish(server.app, 'orders', 1, 12);
      await until(() => got.length >= 12);
      expect(got).toEqual(upTo(12));
    },
  );
}, ONE_ADAPTER);

function aborted(signal: AbortSignal): Promise<unknown> {
  return signal.aborted ? Promise.resolve() : once(signal, 'abort');
}

/** One request after the other. A final refusal of the server is an error. */
async function again(signal: AbortSignal, ask: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    try {
      await ask();
    } catch (error) {
      const { status = 503 } = isAxiosError(error) ? (error.response ?? {}) : {};
      if (status < 500) throw error;
      await pause(PAUSE_MS);
    }
  }
}
