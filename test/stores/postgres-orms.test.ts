import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import type { Store } from '../../src/core/store.js';
import { NotificationsModule, NotificationsService } from '../../src/index.js';
import { postgresStore } from '../../src/stores/postgres/index.js';
import { inDepth } from '../support/depth.js';
import { PostgresEngine, postgresMissing } from '../support/engines/postgres.js';
import { closeStores, openPostgresStore } from '../support/stores/postgres.js';
import { readAllIds } from '../support/stores/reads.js';
import { until } from '../support/time/until.js';

const LIBRARIES = ['pg', 'typeorm', 'drizzle', 'kysely', 'knex', 'sequelize', 'prisma'];
const ROOT = join(import.meta.dirname, '../..');
const FOLDER = join(ROOT, 'test/orms');

/**
 * Why the libraries cannot be used. They take 380 MB, so only `.ci/run` and TEST_DEPTH=all install
 * them: `npm ci --prefix test/orms --ignore-scripts` does it by hand.
 */
async function librariesMissing(): Promise<string | undefined> {
  const isInstalled = (): boolean => existsSync(join(FOLDER, 'node_modules/kysely'));
  try {
    if (!isInstalled() && inDepth(false, true)) {
      await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], FOLDER);
    }
  } catch (error) {
    if (process.env.CI) throw error;
  }
  if (isInstalled()) return undefined;
  const reason = 'the libraries of docs/outbox.md are not installed (npm ci --prefix test/orms --ignore-scripts)';
  console.warn(reason);
  return reason;
}

async function run(command: string, args: readonly string[], cwd = ROOT): Promise<string> {
  // Generating Prisma's client needs no engine, but Prisma looks for one, and would download it.
  const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true', CHECKPOINT_DISABLE: '1', NODE_OPTIONS: '' };
  return (await promisify(execFile)(command, [...args], { cwd, env })).stdout;
}

test('docs/outbox.md shows the code that runs here', () => {
  const code = (text: string): string => text.replace(/if \(fail\) throw fail;/g, '').replace(/[\s;,]+/g, ' ');
  const blocks = [...readFileSync(join(ROOT, 'docs/outbox.md'), 'utf8').matchAll(/^### (\w+)\n+```ts\n(.*?)```/gms)];
  expect(blocks.map(([, name]) => name?.toLowerCase())).toEqual(LIBRARIES);
  for (const [, name = '', block = ''] of blocks) {
    const file = code(readFileSync(join(FOLDER, `${name.toLowerCase()}.ts`), 'utf8'));
    expect(file).toContain(code(block.replace(/^(?:await |const client = await )/, '')).trim());
  }
});

const missing = postgresMissing() ?? (await librariesMissing());
(missing === undefined ? describe : describe.skip)('the outbox with the libraries of the application', () => {
  let engine: PostgresEngine;
  let store: Store;
  /** Errors of the libraries that failed. */
  let errors: Record<string, string> = {};
  let typeCheck: Promise<unknown>;

  beforeAll(async () => {
    await run(join(FOLDER, 'node_modules/.bin/prisma'), ['generate', '--schema', 'prisma/schema.prisma'], FOLDER);
    typeCheck = run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', 'test/orms/tsconfig.json']);
    // The last test awaits it.
    typeCheck.catch(() => undefined);
    engine = await PostgresEngine.start();
    store = await openPostgresStore({ connectionString: engine.url, pollMs: 50 });
    const orders = LIBRARIES.flatMap((_, index) => [failing(index), committed(index)]);
    await engine.use(async (client) => {
      await client.query('CREATE TABLE orders (id integer PRIMARY KEY, shipped boolean NOT NULL DEFAULT false)');
      await client.query('INSERT INTO orders (id) SELECT unnest($1::integer[])', [orders]);
    });
    const module = await Test.createTestingModule({
      imports: [
        NotificationsModule.forRoot({ publishOnly: true, store: postgresStore({ connectionString: engine.url }) }),
      ],
    }).compile();
    const jobs = JSON.stringify(await Promise.all(LIBRARIES.map((_, index) => job(module, index))));
    await module.close();
    // One process for all libraries, as each start of a process takes seconds.
    const hooks = join(ROOT, 'scripts/typescript-hooks.mjs');
    const output = await run(process.execPath, ['--import', hooks, join(FOLDER, 'run.ts'), engine.url, jobs]);
    errors = JSON.parse(output.trim().split('\n').at(-1) ?? '') as Record<string, string>;
  }, 120_000);
  afterAll(async () => {
    await closeStores();
    await engine.stop();
    await typeCheck.catch(() => undefined);
  });

  const failing = (index: number): number => 2 * index + 1;
  const committed = (index: number): number => 2 * index + 2;

  async function job(module: TestingModule, index: number): Promise<unknown> {
    const service = module.get(NotificationsService);
    const library = LIBRARIES[index]!;
    const item = (id: string) => ({ type: 'order.shipped', data: { text: `it's "quoted" ? $1 :a €` }, id });
    return {
      library,
      failing: { order: failing(index), publication: await service.prepare(library, item(`${library}-undone`)) },
      committed: {
        order: committed(index),
        publication: await service.prepare(library, [item(`${library}-1`), item(`${library}-2`)]),
      },
    };
  }

  test.each(LIBRARIES.map((library, index) => [library, index] as const))(
    '%s: publishes if and only if the transaction commits',
    async (library, index) => {
      expect(errors[library]).toBeUndefined();
      await until(async () => (await readAllIds(store, library)).length === 2);
      expect(await readAllIds(store, library)).toEqual([`${library}-1`, `${library}-2`]);
      const { rows } = await engine.use((client) =>
        client.query('SELECT id, shipped FROM orders WHERE id = ANY ($1) ORDER BY id', [
          [failing(index), committed(index)],
        ]),
      );
      expect(rows).toEqual([
        { id: failing(index), shipped: false },
        { id: committed(index), shipped: true },
      ]);
    },
    60_000,
  );

  test('the code for each library has no type error', async () => {
    await typeCheck;
  }, 60_000);
});
