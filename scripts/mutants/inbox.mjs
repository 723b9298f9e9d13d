import { inFile } from './in-file.mjs';

/** Bugs of the inbox: its fold, its counts and its service. */
export const INBOX_MUTANTS = [
  ...inFile('inbox/flag.ts', {
    hasFlag: {
      'the item at the watermark lacks the flag': [
        '$position <= $upTo !== $exceptions.has($position)',
        '$position < $upTo !== $exceptions.has($position)',
      ],
    },
    withItems: {
      'an exception never ends': [
        'if (!$exceptions.delete($position)) $exceptions.add($position);',
        '$exceptions.add($position);',
      ],
    },
    withAllUpTo: {
      'an older "mark all" lowers the watermark': ['Math.max($upTo, $flag.upTo)', '$upTo'],
      '"mark all" keeps the exceptions before it': ['$position > $upTo', 'true'],
      '"mark all" changes the snoozed items': ['$position <= $upTo && !hasFlag($flag, $position)', 'false'],
    },
    withWatermark: {
      'a higher watermark loses unread items': ['new Set([...$kept, ...$without])', 'new Set($kept)'],
    },
    mayLackFlag: {
      'exceptions before the watermark are not counted': ['$position < $before', 'false'],
    },
  }),
  ...inFile('inbox/inbox-state.ts', {
    changed: {
      'a read item stays unread': ['select($state.read, $operation)', '$state.read'],
      'an unread item stays read': ['withItems($state.read, $operation.positions, false)', '$state.read'],
    },
    isShown: {
      'a snoozed item is shown': ['!$archived && !$removed && !$snoozed', '!$archived && !$removed'],
    },
    isSnoozed: {
      'a snoozed item is hidden for good': ['$until.getTime() > $nowMs', 'true'],
    },
    withHigherWatermarks: {
      'a compaction removes items that the subscriber may gain': [
        "$mayGainItems ? $state.removed : raised('removed')",
        "raised('removed')",
      ],
    },
    snooze: {
      'a snoozed item stays read': ['withItems($state.read, $positions, false)', '$state.read'],
    },
    compacted: {
      'a compaction shows snoozed items': ['$position > $trimmed && $until > $nowMs', 'false'],
    },
  }),
  ...inFile('inbox/inbox-fold.ts', {
    withRecords: {
      'a new snapshot is ignored': [
        "if (!('operation' in $record)) return undefined;",
        "if (!('operation' in $record)) continue;",
      ],
      'a record is folded twice': ['if ($entry.position <= $upTo) continue;', ''],
    },
    isOfLog: {
      'a snapshot may include operations that a failover has lost': ['$position <= $past.upTo', 'true'],
    },
    loadInbox: {
      'operations that were appended before their snapshot are lost': [
        '$entry.position <= $start.upTo',
        '$start !== EMPTY_INBOX',
      ],
      'the newest snapshot is used, although an older one includes more records': [
        '$found.upTo > $start.upTo',
        '$start === EMPTY_INBOX',
      ],
    },
  }),
  ...inFile('inbox/compaction.ts', {
    nextCompaction: {
      'records are removed as soon as a snapshot exists': ['$nowMs - $mark.timeMs < REMOVE_AFTER_MS', 'false'],
      'each snapshot delays the removal': [
        'return { $removed, $mark };',
        'return { removed, mark: { upTo, timeMs } };',
      ],
      'a snapshot does not state what an earlier one removed': ['return { $removed, $mark };', 'return { mark };'],
      'records after the older snapshot are removed': [
        'return { removed: mark.upTo, mark: { upTo, timeMs } };',
        'return { removed: upTo, mark: { upTo, timeMs } };',
      ],
    },
  }),
  ...inFile('inbox/inbox-counts.ts', {
    'InboxCounter.isComplete': {
      'a count ends before the total is known': ['if (this.$total <= $cap) return false;', ''],
      'a count ends before an old unread item': ['this.$unread > $cap || !mayLackFlag($state.read, $before)', 'true'],
    },
  }),
  ...inFile('inbox/nest/operation-targets.ts', {
    targetIn: {
      'an operation finds a removed item': ['!$item.removed', 'true'],
      '"mark all" of a type changes snoozed items': ['isSnoozed($item, $nowMs)', 'false'],
      '"mark all" of a type records items that it does not change': ['HAS_EFFECT[$request.op]?.($item)', 'false'],
    },
    withoutSnoozed: {
      '"mark all" leaves out items whose snooze has ended': ['snoozedItems($state, $nowMs)', 'snoozedItems($state, 0)'],
    },
    targetUpTo: {
      'a cursor of another log marks all items': ["if ($gap?.reason === 'reset') throw foreignCursor();", ''],
      '"mark all" changes nothing if many of its newest items have expired': [
        '$items.pages({ $reader, before: $upTo })',
        '$items.pages({ $reader, before: $upTo, itemsMax: 1 })',
      ],
    },
    positionsOf: {
      'only one item of an id changes': ['[...($found.get($id) ?? []), $position]', '[$position]'],
    },
    targetOfTypes: {
      '"mark all" of a type marks all types': ['if (!$types.includes(typeOf($entry))) continue;', ''],
      'a cursor of another log marks all items of a type': ["if ($gap?.reason === 'reset') throw foreignCursor();", ''],
    },
    targetOfIds: {
      'a lagging node loses an operation': ['$found.size < $wanted.size', 'false'],
    },
    recordsOf: {
      '"mark all" of a type ends after one record': ['$from < $ids.length', '$from < 1'],
    },
  }),
  ...inFile('inbox/nest/inbox.ts', {
    'Inbox.list': {
      'a page continues after operations that it lacks': [
        'return this.$lists.list({ ...$request, before }, $inbox.state);',
        'return this.$lists.list({ ...$request, before: { epochId: $epoch.id, position: this.context.feed.window.head } }, $inbox.state);',
      ],
    },
  }),
  ...inFile('inbox/nest/inbox.guard.ts', {
    'InboxGuard.#grantRead': {
      'a lagging node answers without its missing events': ['$asked.waitMs === 0', 'false'],
    },
  }),
  ...inFile('inbox/nest/inbox-operations.ts', {
    'InboxOperations.apply': {
      'an operation without an effect is recorded': ['$next === $state', 'false'],
      'an operation changes the items of another log': ['sharedUpTo($epoch, $held) < $upTo', 'false'],
    },
  }),
  ...inFile('inbox/nest/inbox-events.ts', {
    gapOf: {
      'a page before the newest snapshot has no gap': ['$snapshot?.removed ?? 0', '0'],
    },
  }),
  ...inFile('inbox/nest/inbox.controller.ts', {
    'InboxController.#page': {
      'an unread page of an inbox counts towards no limit': [
        'return this.$context.unread.untilFinished($raw, $text, $read);',
        'return undefined;',
      ],
      'the reads of a page continue after its client has left': ['onClose($raw, () => $opened.close());', ''],
    },
  }),
  ...inFile('inbox/nest/inbox-items.ts', {
    'InboxItems.pages': {
      'a page of one item needs a read for each item': ['Math.max($limit, ITEMS_PER_READ)', '$limit || ITEMS_PER_READ'],
    },
  }),
  ...inFile('inbox/nest/inbox-lists.ts', {
    'InboxLists.#find': {
      'a page of an inbox has no bound in bytes': ['$items.length > 0 && $bytes > $bytesMax', 'false'],
    },
    'InboxLists.#cursorsOf': {
      'the next page skips an item': [
        "$cursors.sealStable($last.epoch, $stop.position, 'after')",
        "$cursors.sealStable($last.epoch, $stop.position, 'before')",
      ],
      '"mark all" ends at the oldest item of the page': ['$first.history?.upTo ?? $first.position', '$first.position'],
    },
  }),
  ...inFile('inbox/nest/inbox.service.ts', {
    'InboxService.#checkRecipient': {
      'an id of another recipient counts as sent': ['$entries[0]?.id === $id || $first.position <= $trimmed', 'true'],
    },
  }),
  ...inFile('inbox/nest/inbox-topics.ts', {
    checkBroadcast: {
      'a broadcast is accepted for the topic of one subscriber': ['!$checked.startsWith(PERSONAL)', 'true'],
    },
  }),
];
