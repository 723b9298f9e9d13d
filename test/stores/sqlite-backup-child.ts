/**
 * A process that appends 50 entries, backs the file up, appends 30 more and ends: `node --import …
 * sqlite-backup-child.ts <path> <backup>` writes the id of the epoch.
 */
import Database from 'libsql';
import { drafts } from '../support/drafts.js';
import { openSqliteStore } from '../support/stores/sqlite.js';

const [path = '', backup = ''] = process.argv.slice(2);

const store = await openSqliteStore({ path });
const { epoch } = await store.append(drafts(50));
const database = new Database(path);
database.exec(`VACUUM INTO '${backup}'`);
database.close();
await store.append(drafts(30, 'lost'));
await store.close();
process.stdout.write(epoch.id);
