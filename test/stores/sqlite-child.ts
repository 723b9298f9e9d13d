/**
 * A process that publishes until it is killed: `node --import … sqlite-child.ts <path> <name>`. It
 * writes a line `<id> <position>` for each acknowledged notification.
 */
import { openSqliteStore } from '../support/stores/sqlite.js';
import { draft } from '../support/drafts.js';
import { pause } from '../support/time/pause.js';

const [path = '', name = ''] = process.argv.slice(2);
const IN_FLIGHT = 16;
/** A caller's pause before it repeats a rejected call. */
const RETRY_MS = 50;

const store = await openSqliteStore({ path });
process.stdout.write('ready\n');
let count = 0;
const publish = async (): Promise<void> => {
  for (;;) {
    const n = count++;
    // Every third call is an array, so that a kill may come in the middle of one.
    const drafts = [draft(`${name}-${n}`), ...(n % 3 === 0 ? [draft(`${name}-${n}b`)] : [])];
    try {
      const { appended } = await store.append(drafts);
      process.stdout.write(appended.map(({ id, position }) => `${id} ${position}\n`).join(''));
    } catch (error) {
      process.stdout.write(`failed ${(error as { code?: string }).code}\n`);
      await pause(RETRY_MS);
    }
  }
};
await Promise.all(Array.from({ length: IN_FLIGHT }, publish));
