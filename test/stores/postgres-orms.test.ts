import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import pg from 'pg';
import type { Store } from '../../src/core/store.js';
import { NotificationsModule, NotificationsService } from '../../src/index.js';
import { postgresStore } from '../../src/stores/postgres/index.js';
import { inDepth } from '../support/depth.js';
import { PostgresEngine, postgresMissing } from '../support/engines/postgres.js';
import { closeStores, openPostgresStore, readAllIds, until } from './postgres-bench.js';

const LIBRARIES = ['pg', 'typeorm', 'drizzle', 'kysely', 'knex', 'sequelize', 'prisma'];
const ROOT = join(import.meta.dirname, '../..');
const FOLDER = join(ROOT, 'test/orms');

/**
 * Why the libraries cannot be used. They take 380 MB, so only `.ci/run` and TEST_DEPTH=all install
 * them: `npm ci --prefix test/orms --ignore-scripts` does it by hand.
 */
function librariesMissing(): string | undefined {
  const installed = (): boolean => existsSync(join(FOLDER, 'node_modules/kysely'));
  try {
    if (!installed() && inDepth(false, true)) run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], FOLDER);
  } catch (error) {
    if (process.env.CI) throw error;
  }
  if (installed()) return undefined;
  const reason = 'the libraries of docs/outbox.md are not installed (npm ci --prefix test/orms --ignore-scripts)';
  console.warn(reason);
  return reason;
}

function run(command: string, args: readonly string[], cwd = ROOT): string {
  // Generating Prisma's client needs no engine, but looks for one, and would download it.
  const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: '/bin/true', CHECKPOINT_DISABLE: '1', NODE_OPTIONS: '' };
  return execFileSync(command, [...args], { cwd, env, encoding: 'utf8', stdio: 'pipe' });
}

test('docs/outbox.md shows the code that is run', () => {
  const code = (text: string): string => text.replace(/if \(fail\) throw fail;/g, '').replace(/[\s;,]+/g, ' ');
  const blocks = [...readFileSync(join(ROOT, 'docs/outbox.md'), 'utf8').matchAll(/^### (\w+)\n+```ts\n(.*?)```/gms)];
  expect(blocks.map(([, name]) => name?.toLowerCase())).toEqual(LIBRARIES);
  for (const [, name = '', block = ''] of blocks) {
    const file = code(readFileSync(join(FOLDER, `${name.toLowerCase()}.ts`), 'utf8'));
    expect(file).toContain(code(block.replace(/^(?:await |const client = await )/, '')).trim());
  }
});

const missing = postgresMissing() ?? librariesMissing();
(missing === undefined ? describe : describe.skip)('the outbox with the libraries of the application', () => {
  let engine: PostgresEngine;
  let pool: pg.Pool;
  let store: Store;
  let module: TestingModule;
  beforeAll(async () => {
    run(join(FOLDER, 'node_modules/.bin/prisma'), ['generate', '--schema', 'prisma/schema.prisma'], FOLDER);
    run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', 'test/orms/tsconfig.json']);
    engine = await PostgresEngine.start();
    pool = new pg.Pool({ connectionString: engine.url });
    await pool.query('CREATE TABLE orders (id integer PRIMARY KEY, shipped boolean NOT NULL DEFAULT false)');
    module = await Test.createTestingModule({
      imports: [
        NotificationsModule.forRoot({ publishOnly: true, store: postgresStore({ connectionString: engine.url }) }),
      ],
    }).compile();
  }, 120_000);
  beforeEach(async () => {
    store = await openPostgresStore({ connectionString: engine.url, pollMs: 50 });
    await pool.query('DELETE FROM orders');
    await pool.query('INSERT INTO orders (id) VALUES (1), (2)');
  });
  afterEach(closeStores);
  afterAll(async () => {
    await module.close();
    await pool.end();
    await engine.stop();
  });

  test.each(LIBRARIES)(
    '%s: publishes if and only if the transaction commits',
    async (library) => {
      const service = module.get(NotificationsService);
      const item = (id: string) => ({ type: 'order.shipped', data: { text: `it's "quoted" ? $1 :a €` }, id });
      const publications = {
        undone: await service.prepare(library, item(`${library}-undone`)),
        done: await service.prepare(library, [item(`${library}-1`), item(`${library}-2`)]),
      };
      const hooks = join(ROOT, 'scripts/typescript-hooks.mjs');
      const script = join(FOLDER, 'run.ts');
      run(process.execPath, ['--import', hooks, script, library, engine.url, JSON.stringify(publications)]);
      await until('the move', async () => (await readAllIds(store, library)).length === 2);
      expect(await readAllIds(store, library)).toEqual([`${library}-1`, `${library}-2`]);
      const { rows } = await pool.query('SELECT id, shipped FROM orders ORDER BY id');
      expect(rows).toEqual([
        { id: 1, shipped: false },
        { id: 2, shipped: true },
      ]);
    },
    60_000,
  );
});
