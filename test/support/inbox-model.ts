import type { LogEntry } from '../../src/core/notification.js';
import { inboxRecordOf } from '../../src/inbox/inbox-record.js';
import type { InboxOperation } from '../../src/inbox/inbox-state.js';

/** One item as a plain object, without watermarks. */
export interface ModelItem {
  seen: boolean;
  read: boolean;
  archived: boolean;
  removed: boolean;
  snoozedUntil: Date | undefined;
}

/** Applies operations to one item alone. */
export function modelOf(item: number, operations: readonly InboxOperation[]): ModelItem {
  const model: ModelItem = { seen: false, read: false, archived: false, removed: false, snoozedUntil: undefined };
  for (const operation of operations) {
    const isMeant =
      'upTo' in operation
        ? item <= operation.upTo && !operation.except?.includes(item)
        : operation.positions.includes(item);
    if (!isMeant) continue;
    if (operation.op === 'seen' || operation.op === 'read') model.seen = true;
    if (operation.op === 'read') model.read = true;
    if (operation.op === 'unread') model.read = false;
    if (operation.op === 'archive') model.archived = true;
    if (operation.op === 'unarchive') model.archived = false;
    if (operation.op === 'remove') model.removed = true;
    if (operation.op === 'unsnooze') model.snoozedUntil = undefined;
    if (operation.op === 'snooze') {
      Object.assign(model, { seen: false, read: false, archived: false, snoozedUntil: new Date(operation.untilMs) });
    }
  }
  return model;
}

/** A count of all items of a log, one by one. */
export function bruteForce(items: readonly LogEntry[], records: readonly LogEntry[], nowMs: number) {
  const operations = records.flatMap((entry) => {
    const record = inboxRecordOf(entry);
    return record && 'operation' in record ? [record.operation] : [];
  });
  const models = items.map(({ id, position }) => ({ id, ...modelOf(position, operations) }));
  const shown = models.filter(
    ({ archived, removed, snoozedUntil }) => !archived && !removed && !(Number(snoozedUntil ?? 0) > nowMs),
  );
  return {
    shown: shown.map(({ id, seen, read }) => ({ id, seen, read })).reverse(),
    archived: models
      .filter(({ archived, removed }) => archived && !removed)
      .map(({ id }) => id)
      .reverse(),
    counts: {
      unseen: shown.filter(({ seen }) => !seen).length,
      unread: shown.filter(({ read }) => !read).length,
      total: shown.length,
    },
  };
}
