import { newEpoch } from '../shared/epoch.js';
import type { Reader, Writer } from './engine.js';
import { CREATE_LOG, FILE_VERSION } from './sql/statements.sql.js';
import { APPLICATION_ID, MIGRATIONS } from './sql/schema.sql.js';

interface FileVersion {
  readonly application: number;
  readonly version: number;
  readonly tables: number;
}

/**
 * Migrates the file to the version of this library, and creates the log's row if there is none. If
 * several processes open the file at once, the first one migrates it under the write lock.
 */
export async function migrate(reader: Reader, writer: Writer): Promise<void> {
  if (versionOf(reader) === MIGRATIONS.length) return;
  await writer.exec('BEGIN IMMEDIATE');
  try {
    const version = versionOf(reader);
    for (const statements of MIGRATIONS.slice(version)) await writer.exec(statements);
    await writer.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
    await writer.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
    const { id, secret } = newEpoch();
    (await writer.prepare(CREATE_LOG))(id, secret);
    await writer.exec('COMMIT');
  } catch (error) {
    await writer.exec('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

/**
 * The version of a file; 0 for an empty file. One statement reads all three values: another process
 * may migrate the file at the same time.
 * @throws Error for a file of another program or of a newer version
 */
function versionOf(reader: Reader): number {
  const { application, version, tables } = reader.prepare(FILE_VERSION).get() as unknown as FileVersion;
  if (tables === 0 && application === 0) return 0;
  if (application !== APPLICATION_ID) throw new Error('the file is the database of another application');
  if (version > MIGRATIONS.length) throw new Error(`the file was made by a newer version (${version})`);
  return version;
}
