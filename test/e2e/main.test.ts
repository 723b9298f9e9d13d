import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { constants } from 'node:os';
import { promisify } from 'node:util';
import { EnvironmentError, moduleOptions, readEnvironment, settingsOf } from '../../src/demo/environment.js';
import { exposureWarning, startText } from '../../src/demo/start-text.js';
import { type Built, built, findProgram, MainProcess } from '../browser/main-process.js';
import { until } from '../support/time/until.js';

/** The limit of a drain. No test has a request that delays it. */
const DRAIN_MS_MAX = 2_000;

describe('the environment', () => {
  it('has a default for everything', () => {
    expect(readEnvironment({})).toMatchObject({ PORT: 3000, HOST: '127.0.0.1', WAIT_SECONDS: 25, SOURCE_SECONDS: 2 });
    expect(readEnvironment({ PORT: '', HOST: '' })).toEqual(readEnvironment({}));
  });

  it('is read', () => {
    const environment = readEnvironment({ PORT: '0', HOST: '::1', WAIT_SECONDS: '0.5', RETAIN_COUNT: '7' });
    expect(environment).toMatchObject({ PORT: 0, HOST: '::1', WAIT_SECONDS: 0.5, RETAIN_COUNT: 7 });
  });

  it.each([
    [{ PORT: '70000' }, 'PORT is "70000", must be a whole number from 0 to 65535'],
    [{ PORT: '80.5' }, 'PORT is "80.5", must be a whole number from 0 to 65535'],
    [{ PORT: '0x50' }, 'PORT is "0x50", must be a whole number from 0 to 65535'],
    [{ RETAIN_COUNT: '-1' }, 'RETAIN_COUNT is "-1", must be a whole number from 1 to 10000000'],
    [{ WAIT_SECONDS: 'long' }, 'WAIT_SECONDS is "long", must be a number with at most 3 decimals, from 0 to 300'],
    [{ HEARTBEAT_SECONDS: '0' }, 'HEARTBEAT_SECONDS is "0", must be a number with at most 3 decimals, from 0.1 to 300'],
    [
      { HOST: 'http://x' },
      'HOST is "http://x", must be a host name or an IP address, without scheme, port or brackets',
    ],
  ])('rejects %j', (env, message) => {
    expect(() => readEnvironment(env)).toThrow(new EnvironmentError(message));
  });

  it('becomes options in milliseconds and bytes', () => {
    const options = moduleOptions(readEnvironment({ WAIT_SECONDS: '90', RETRY_SECONDS: '0.5' }));
    expect(options.poll).toEqual({ waitMs: 90_000, waitMsMax: 90_000 });
    expect(options.stream).toMatchObject({ heartbeatMs: 15_000, retryMs: 500 });
    expect(options.access).toEqual({ read: 'public', publish: 'public' });
  });

  it('is shown in full at the start, with the port that was taken', () => {
    const environment = readEnvironment({});
    const text = startText({ ...environment, PORT: 0 }, 4_711);
    for (const { name } of settingsOf(environment)) expect(text).toMatch(new RegExp(`^  ${name} `, 'm'));
    expect(text).toMatch(/^ {2}PORT +4711 /m);
  });

  it.each([
    ['127.0.0.1', 'http://127.0.0.1:80/', false],
    ['localhost', 'http://localhost:80/', false],
    ['::1', 'http://[::1]:80/', false],
    ['0.0.0.0', 'http://127.0.0.1:80/', true],
    ['::', 'http://[::1]:80/', true],
    ['127.example.org', 'http://127.example.org:80/', true],
  ])('prints for HOST %s the address %s, and whether other machines can connect: %s', (HOST, url, exposed) => {
    const text = startText({ ...readEnvironment({}), HOST }, 80);
    expect(text).toContain(`Look at it: ${url}\n`);
    expect(text).toContain('This server is public: every client that can connect may read and publish on every topic.');
    expect(text.includes('only this machine can reach')).toBe(!exposed);
    expect(exposureWarning(HOST) !== undefined).toBe(exposed);
  });
});

describe('the program', () => {
  const running = new Set<MainProcess>();
  let program: Built;

  beforeAll(() => {
    program = built();
  });

  afterEach(async () => {
    for (const main of running) {
      main.child.kill('SIGKILL');
      await main.ended();
    }
    running.clear();
  });

  afterAll(() => {
    program.remove();
  });

  function start(env: Record<string, string> = {}): MainProcess {
    const main = new MainProcess(program.main, env);
    running.add(main);
    return main;
  }

  it('serves the page and its files, and nothing else', async () => {
    const main = start();
    const url = await main.url();
    const page = await fetch(url);
    const html = await page.text();
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('x-powered-by')).toBeNull();
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);

    const named = [...html.matchAll(/(?:src|href)="(assets\/[^"]+)"/g)].map(([, path]) => path!);
    const assets = readdirSync(new URL('../../src/demo/assets/', import.meta.url)).map((name) => `assets/${name}`);
    for (const path of new Set([...named, ...assets, 'notifications/client.js'])) {
      const asset = await fetch(new URL(path, url));
      await asset.text();
      expect([path, asset.status, asset.headers.get('content-type')]).toEqual([path, 200, typeOf(path)]);
      expect(asset.headers.get('x-content-type-options')).toBe('nosniff');
    }
    for (const path of [
      'assets/..%2fdemo.module.js',
      'assets/%2e%2e%2f%2e%2e%2fmain.js',
      'assets/none.js',
      'assets/',
    ]) {
      const refused = await fetch(url + path);
      await refused.text();
      expect([path, refused.status]).toEqual([path, 404]);
    }
    expect(await main.stop()).toBe(0);
    expect(main.stderr).toBe('');
  });

  it('publishes samples of the process', async () => {
    const url = await start({ SOURCE_SECONDS: '0.05' }).url();
    const samples: unknown[] = [];
    // The cursor is the current one, so the samples were published during a poll.
    let cursor = 'latest';
    while (samples.length < 2) {
      const answer = await fetch(`${url}notifications?topic=system.pulse&cursor=${cursor}`);
      const page: any = await answer.json(); // eslint-disable-line @typescript-eslint/no-explicit-any
      cursor = page.cursor;
      samples.push(...page.notifications);
    }
    const positive = expect.any(Number);
    expect(samples[1]).toMatchObject({
      topic: 'system.pulse',
      type: 'process.sample',
      data: {
        loadAverage: positive,
        eventLoopDelayMs: { mean: positive, p99: positive, max: positive },
        memoryMiB: { rss: positive, heapUsed: positive },
        uptimeSeconds: positive,
        waiters: positive,
      },
    });
  });

  const missing = ['bash', 'curl'].filter((name) => !findProgram([name]));
  if (missing.length > 0 && process.env.CI !== 'true') {
    console.warn(`Skipped: the printed curl lines, since there is no ${missing.join(' and no ')}.`);
    it.skip('prints curl lines that work', () => undefined);
  } else {
    it('prints curl lines that work', async () => {
      const main = start({ SOURCE_SECONDS: '0.05' });
      const url = await main.url();
      const lines = main.stdout.split('\n').filter((line) => line.startsWith('  curl '));
      const [stream, publish, poll] = lines;
      expect(lines).toHaveLength(3);

      // The publish must follow the poll, so that the poll is held first.
      const held = shell(poll!);
      const streamed = shell(`${stream!} | grep -m 1 greeting`);
      await waiters(url, 2);
      const published = JSON.parse(await shell(publish!));
      expect(published).toMatchObject({ duplicate: false, ids: [expect.any(String)] });
      const greeting = { id: published.ids[0], topic: 'demo', type: 'greeting', data: { text: 'Hello' } };
      expect(JSON.parse(await held)).toMatchObject({ notifications: [greeting], more: false });
      expect(await streamed).toContain(`"id":"${published.ids[0]}"`);
      expect(JSON.parse(await shell(poll!)).notifications).toHaveLength(1);
      expect(await main.stop()).toBe(0);
    });
  }

  it.each(['SIGTERM', 'SIGINT'] as const)('drains on %s, with a poll held and a stream open', async (signal) => {
    const main = start({ SOURCE_SECONDS: '0.05' });
    const url = await main.url();
    const stream = await fetch(`${url}notifications?topic=demo`, { headers: { Accept: 'text/event-stream' } });
    const poll = fetch(`${url}notifications?topic=demo`);
    await waiters(url, 2);
    const began = performance.now();
    main.child.kill(signal);
    expect(await main.ended()).toBe(0);
    expect(performance.now() - began).toBeLessThan(DRAIN_MS_MAX);
    // Both requests ended with a complete answer and a cursor.
    expect(await (await poll).json()).toMatchObject({ notifications: [], cursor: expect.any(String) });
    expect(await stream.text()).toMatch(/^retry: \d+\nevent: cursor\n/);
    expect(main.stderr).toBe('');
  });

  it('treats a signal that npm forwards as the same signal', async () => {
    const main = start();
    await main.url();
    main.child.kill('SIGINT');
    main.child.kill('SIGINT');
    expect(await main.ended()).toBe(0);
  });

  it('ends at once on a second signal', async () => {
    const main = start();
    const url = await main.url();
    // A request without its body delays the drain.
    const socket = connect(Number(new URL(url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(
      'POST /notifications HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
    );
    // When another request is answered, the server has read this one.
    await (await fetch(url)).text();
    let code: number | null | undefined;
    void main.ended().then((ended) => (code = ended));
    // The program treats signals within a short time as one.
    await until(() => {
      main.child.kill('SIGTERM');
      return code !== undefined;
    });
    expect(code).toBe(128 + constants.signals.SIGTERM);
    socket.destroy();
  });

  it('rejects an invalid environment with an error of one line', async () => {
    const main = start({ SOURCE_SECONDS: 'often' });
    expect(await main.ended()).toBe(1);
    expect(main.stdout).toBe('');
    expect(main.stderr).toBe('SOURCE_SECONDS is "often", must be a number with at most 3 decimals, from 0 to 3600\n');
  });

  it('reports that the port is in use', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      const main = start({ PORT: String(port) });
      expect(await main.ended()).toBe(1);
      expect(main.stdout).toBe('');
      expect(main.stderr).toMatch(new RegExp(`^PORT is ${port}, which is in use on 127\\.0\\.0\\.1: [^\n]+\n$`));
    } finally {
      server.close();
      await once(server, 'close');
    }
  });

  it('reports a host that is not of this machine', async () => {
    // Reserved for documentation (RFC 5737), so no machine has it.
    const main = start({ HOST: '192.0.2.1' });
    expect(await main.ended()).toBe(1);
    expect(main.stderr).toMatch(/^HOST is 192\.0\.2\.1, which is no address of this machine: [^\n]+\n$/);
  });

  it('warns when other machines can connect', async () => {
    const main = start({ HOST: '0.0.0.0' });
    await main.url();
    expect(main.stderr).toMatch(/^WARNING: HOST is 0\.0\.0\.0: [^\n]+\n$/);
    expect(await main.stop()).toBe(0);
  });
});

function typeOf(path: string): string {
  const types = { svg: 'image/svg+xml', css: 'text/css', html: 'text/html', js: 'text/javascript' };
  return `${types[path.split('.')[1] as keyof typeof types]}; charset=utf-8`;
}

/** Resolves when the server has this many waiters besides the poll that asks for it. */
async function waiters(url: string, count: number): Promise<void> {
  for (let cursor = 'latest', counted = 0; counted !== count + 1;) {
    const answer = await fetch(`${url}notifications?topic=system.pulse&cursor=${cursor}`);
    const page: any = await answer.json(); // eslint-disable-line @typescript-eslint/no-explicit-any
    cursor = page.cursor;
    counted = page.notifications.at(-1).data.waiters;
  }
}

async function shell(line: string): Promise<string> {
  return (await promisify(execFile)('bash', ['-c', line])).stdout;
}
