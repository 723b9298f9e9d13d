import { inFile } from './in-file.mjs';

/** Bugs of reads, pages and positions in the core. */
export const READ_MUTANTS = [
  ...inFile('core/reader.ts', {
    'Reader.extend': {
      'a hole in the tail is not detected': ['$isSame && $batch.after <= $head', '$isSame'],
      'a node at the fork of a lossy failover continues': ['!$same.afterLoss', 'true'],
      'a window lacks what is live again after a failover': ['this.$filter.hiddenBy <= $shared', 'true'],
      'a new window says that it contains earlier entries': [
        'new MemoryLog($after, this.$patterns)',
        'new MemoryLog(0, this.#patterns)',
      ],
      'a repeated batch is added again': ['$entry.position > this.$log.head', 'true'],
    },
    'Reader.#forgetPages': {
      'pages are shared beyond an append': [
        'this.$pages.clear(); this.$empty = this.$last = this.$gap = undefined;',
        'this.$empty = this.$last = this.$gap = undefined;',
      ],
      'the last page is shared beyond an append': [
        'this.$empty = this.$last = this.$gap = undefined',
        'this.$empty = this.$gap = undefined',
      ],
      'the empty page is shared beyond an append': [
        'this.$empty = this.$last = this.$gap = undefined',
        'this.$last = this.$gap = undefined',
      ],
    },
    'Reader.reaches': {
      'the window claims one entry too many': [
        '$after.position >= this.$log.floor',
        '$after.position >= this.$log.floor - 1',
      ],
      'a window of another log is read': ['$after.epochId === this.$epoch.id', 'true'],
    },
    'Reader.movedOn': {
      'a slow read of an old log is trusted': ['if (this.$own.id !== $epoch.id) return true;', ''],
    },
    'Reader.fromWindow': {
      'a page of the window lacks the gap of a loss': [
        'this.$withGap(this.fromWindow($query))',
        'this.fromWindow($query)',
      ],
    },
    'Reader.#pageFrom': {
      'the cursor of a truncated page is the head': [
        '$more ? lastPosition($entries) : this.$log.head',
        'this.$log.head',
      ],
      'the cursor of a page is its last notification, not the head': [
        '$more ? lastPosition($entries) : this.$log.head',
        'lastPosition($entries)',
      ],
    },
    'Reader.fromStore': {
      'reads of different topics share one result': ['$topics.join()', "''"],
    },
  }),
  ...inFile('core/page-query.ts', {
    isEqual: {
      'the last page is shared with a request of a lower limit': ['$one.limit === $other.limit', 'true'],
      'the last page is shared with a request of other topics': ['$one.topics === $other.topics', 'true'],
    },
  }),
  ...inFile('core/store-pages.ts', {
    'StorePages.after': {
      'a page of the store that is cut off claims the head': [
        '$more ? $last : Math.max($head, $from)',
        'Math.max($head, $from)',
      ],
      'a loss by retention has no gap': ["$isLost ? { ...$page, gap: { reason: 'expired' } } : $page", '$page'],
      'a loss by retention has its gap one position too late': ['$from < $trimmed', '$from < $trimmed - 1'],
      'a cursor of another log is accepted': ['$start && $from <= $head', '$from <= $head'],
      'a client of a lost log continues at its position': ['$from === 0 ? $page : await $oldest', '$page'],
      'a lost log has no gap': ["return { ...$oldest, gap: { reason: 'reset' } };", 'return $oldest;'],
    },
  }),
  ...inFile('core/store-reads.ts', {
    'StoreReads.#start': {
      'a shared read is never dropped': [
        'this.$byKey.delete($key); this.$bytes -= $bytesMax;',
        'this.$bytes -= $bytesMax;',
      ],
      'the bytes of a finished read stay counted': ['this.$bytes -= $bytesMax;', ''],
      'a read is skipped when its first caller has left': [
        '$callers.find($isWanted)',
        '$callers.slice(0, 1).find($isWanted)',
      ],
    },
  }),
  ...inFile('core/entry-list.ts', {
    'EntryList.indexAfter': {
      'a read begins at its position': ['$entryPosition > $position', '$entryPosition >= $position'],
    },
  }),
  ...inFile('core/memory-log.ts', {
    'MemoryLog.dropOldest': {
      'the floor does not follow the oldest entry': ['this.$floor = $entry.position;', ''],
    },
  }),
  ...inFile('core/deliverable-page.ts', {
    deliverablePage: {
      'a page has notifications beyond the head of the node': ['$page.entries.filter($isReached)', '$page.entries'],
      'a notification beyond the head is skipped': ['$next.position - 1', '$next.position'],
      'a node answers a cursor of an epoch that it does not know yet': [
        '$isPosition && $after.unknownIn !== undefined && $after.unknownIn !== $page.epoch.id',
        '$isPosition && $after.unknownIn === $page.epoch.id',
      ],
    },
  }),
  ...inFile('core/read-position.ts', {
    'ReadPosition.in': {
      'a waiter resumes at the fork even if its client has received more': [
        'positionIn($epoch, this.$cursor)',
        'sharedPosition($epoch, this.$cursor)',
      ],
      'a waiter does not receive what is live again after a failover': ['this.$reader.hiddenBy > $fork', 'false'],
    },
    'ReadPosition.rewinds': {
      'a page that was read after a position of another log is delivered': [
        'positionIn($epoch, $after)?.position',
        '$after.position',
      ],
    },
    'ReadPosition.delivered': {
      'a waiter believes that its client has the position of the page': [
        '$entries.at(-1)?.position ?? $position',
        '$position',
      ],
    },
    'ReadPosition.skipTo': {
      'a waiter moves back to an older position': ['$isHere && $after.position < $position', '$isHere'],
    },
  }),
  ...inFile('core/page.ts', {
    sharedPosition: {
      'a lossy failover is treated as lossless': ['$past.lost === true || $held.afterLoss === true', 'false'],
      'a restored snapshot does not know the cursors of its time': [
        '$held.origin && sharedPosition($epoch, $held.origin)',
        'undefined',
      ],
    },
    positionIn: {
      'a position beyond a fork is continued at the fork': [
        '$shared?.position === $held.position ? $shared : undefined',
        '$shared',
      ],
    },
  }),
  ...inFile('core/page-cache.ts', {
    'PageCache.#keep': {
      'shared pages are kept without bound': ['SHARED_PAGES_BYTES_MAX / 2', 'SHARED_PAGES_BYTES_MAX * 1_000'],
    },
  }),
  ...inFile('core/recent-revocations.ts', {
    'RecentRevocations.add': {
      'a revocation is forgotten with its subscriber': ['this.$unknownUpTo = $oldest[1];', ''],
    },
  }),
];
