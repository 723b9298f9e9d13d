import { Logger } from '@nestjs/common';
import type { StoreFactory } from '../../core/store.js';

const DAY_MS = 24 * 3_600_000;
const logger = new Logger('InboxModule');

/** Logs a warning if the store of an inbox removes items earlier than the inbox needs them. */
export function warnIfShort(store: StoreFactory | undefined, neededMs: number): void {
  const keptMs = store?.retention?.retainMs;
  if (keptMs === undefined || keptMs >= neededMs) return;
  logger.warn(
    `option items.retainMs is ${neededMs} (${days(neededMs)}), but the store of the inbox has ` +
      `retainMs ${keptMs} (${days(keptMs)}) and removes older items. Raise retainMs of the store, or lower items.retainMs`,
  );
}

function days(ms: number): string {
  return `${Number((ms / DAY_MS).toPrecision(2))} days`;
}
