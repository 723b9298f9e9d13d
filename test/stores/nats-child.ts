/**
 * A process that appends until it is killed: `node --import … nats-child.ts <servers> <stream>
 * <name>`. It first writes the id by which other nodes know it. Then it writes a line `<id>
 * <duplicate>` for each acknowledged notification.
 */
import { draft } from '../support/drafts.js';
import { NatsNode } from '../support/stores/nats-node.js';
import { pause } from '../support/time/pause.js';

const [servers = '', stream = '', name = ''] = process.argv.slice(2);
const IN_FLIGHT = 16;
/** A caller's pause before it repeats a rejected call. */
const RETRY_MS = 50;

const node = await NatsNode.open(servers.split(','), { stream, timeoutMs: 15_000, syncAlways: true });
process.stdout.write(`${node.id}\n`);

const work = async (_: unknown, worker: number): Promise<void> => {
  for (let n = 0; ; n++) {
    // Every third call is an array, so that a kill may come in the middle of one.
    const id = `${name}-${worker}-${n}`;
    const drafts = [draft(id, { topic: 'a' }), ...(n % 3 === 0 ? [draft(`${id}+`, { topic: 'b' })] : [])];
    for (let attempts = 0, done = false; !done; attempts++) {
      try {
        const appended = await node.append(...drafts);
        // A repeated call may have been appended before.
        const lines = appended.map(({ id, duplicate }) => `${id} ${duplicate && attempts === 0}\n`);
        process.stdout.write(lines.join(''));
        done = true;
      } catch {
        await pause(RETRY_MS);
      }
    }
  }
};
await Promise.all(Array.from({ length: IN_FLIGHT }, work));
