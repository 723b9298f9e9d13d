import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Client } from 'pg';
import { abilitiesOf } from '../../src/core/abilities.js';
import { draft } from '../support/drafts.js';
import { PostgresEngine, postgresMissing } from '../support/engines/postgres.js';
import { closeStores, openPostgresStore, reports, stateOf } from '../support/stores/postgres.js';
import { until } from '../support/time/until.js';

const describePostgres = postgresMissing() === undefined ? describe : describe.skip;

describePostgres('an engine', () => {
  let engine: PostgresEngine;
  beforeAll(async () => {
    engine = await PostgresEngine.start();
  }, 60_000);
  afterEach(closeStores);
  afterAll(() => engine.stop());

  test.each([
    { call: 'read', synced: true },
    { call: 'read', synced: false },
    { call: 'append', synced: false },
    { call: 'claim', synced: false },
  ])(
    'of another timeline may lack notifications unless it was synchronous: $call, $synced',
    async ({ call, synced }) => {
      const schema = `timeline_${call}_${synced}`;
      const store = await openPostgresStore({ connectionString: engine.url, schema });
      const { epoch } = await store.append([draft('a')]);
      await engine.use((client) =>
        client.query(`UPDATE ${schema}.log SET identity = 'other', timeline = '00000000', synced = $1`, [synced]),
      );
      if (call === 'append') await store.append([draft('b')]);
      if (call === 'claim') await abilitiesOf(store).claim!('key', 1_000);
      const { before } = (await stateOf(store)).epoch;
      expect(before?.[0]).toMatchObject({ id: epoch.id, upTo: 1, lost: !synced });
      expect(reports).toEqual(synced ? [] : [expect.stringContaining('may be lost')]);
    },
  );

  test('an append records whether it waits for a synchronous standby', async () => {
    const schema = 'recorded';
    const store = await openPostgresStore({ connectionString: engine.url, schema });
    await store.append([draft('a')]);
    const setStandbys = (client: Client, names: string) =>
      client.query(`ALTER SYSTEM SET synchronous_standby_names = '${names}'`);
    const isReloaded = async (client: Client, names: string): Promise<boolean> => {
      await client.query('SELECT pg_reload_conf()');
      return (await client.query('SHOW synchronous_standby_names')).rows[0].synchronous_standby_names === names;
    };
    await engine.use(async (client) => {
      const recorded: unknown[] = [];
      await setStandbys(client, '*');
      await until(() => isReloaded(client, '*'));
      for (const commit of ['on', 'off', 'remote_write', 'local']) {
        // No standby exists, so a commit would never end.
        await client.query('BEGIN');
        await client.query(`SET LOCAL synchronous_commit = '${commit}'`);
        await client.query(`SELECT ${schema}.append(ARRAY['b'], ARRAY['orders'], ARRAY['{}'], 1000, NULL, NULL)`);
        recorded.push((await client.query(`SELECT synced FROM ${schema}.log`)).rows[0].synced);
        await client.query('ROLLBACK');
      }
      expect(recorded).toEqual([true, true, true, false]);
      await setStandbys(client, '');
      await until(() => isReloaded(client, ''));
    });
  });
});
