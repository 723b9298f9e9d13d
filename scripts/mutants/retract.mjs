import { inFile } from './in-file.mjs';

/** Bugs of retractions. */
export const RETRACT_MUTANTS = [
  ...inFile('core/retraction-set.ts', {
    'RetractionSet.retractedAt': {
      'a retraction hides a later notification with the same id': ['$position < $retracted', '$retracted > 0'],
    },
    'RetractionSet.add': {
      'an older retraction of an id replaces the newer one': ['$known !== undefined && $known >= $position', 'false'],
    },
    'RetractionSet.cut': {
      'the retractions of a lost log stay': ['$placed.position > $after', 'false'],
    },
    'RetractionSet.trim': {
      'removing an old retraction also removes newer ones': ['$placed.position > $upTo', 'false'],
    },
  }),
  ...inFile('core/retraction-log.ts', {
    'RetractionLog.observe': {
      'a node ignores the retractions of other nodes': ['if ($retraction) this.add($retraction, $entry.position);', ''],
    },
    'RetractionLog.cut': {
      'a load continues in another log': ['if (!this.$isComplete) this.interrupted();', ''],
    },
    'RetractionLog.interrupted': {
      'a node does not load the retractions that it missed': ['this.$isComplete = false;', ''],
    },
    'RetractionLog.readComplete': {
      'a page of the store does not wait for the missed retractions': [
        'if (!this.$isComplete) await this.whenComplete();',
        '',
      ],
      'a page that was read before an interruption of the tail is delivered': [
        'this.$interruptions === $before',
        'true',
      ],
    },
    'RetractionLog.#loadAgain': {
      'a load that was interrupted counts as complete': ['$before === this.$interruptions', 'true'],
    },
    'RetractionLog.#load': {
      'a load adds the retractions of a lost log': ['if ($before !== this.$interruptions) return $read;', ''],
      'a node loads one page of retractions': ['if (!$read.more) return $read;', 'return $read;'],
    },
    'RetractionLog.append': {
      'an id that is published again cannot be retracted again': [
        '!$first.duplicate || !(await $isNewer)',
        '$first !== undefined',
      ],
    },
  }),
  ...inFile('core/reader.ts', {
    'Reader.extend': {
      'a node keeps the retractions of a lost log': ['this.$retractions.cut($shared);', ''],
      'a node forgets a retraction that its tail has not delivered': [
        'this.$retractions.cut($shared);',
        'this.$retractions.cut(Math.min($shared, this.window.head));',
      ],
    },
    'Reader.retract': {
      'a page that was shared before is delivered after its retraction': ['this.$forgetPages();', ''],
      'a node learns its own retractions from the tail only': ['this.$retractions.add($retraction, $position);', ''],
    },
    'Reader.#live': {
      'the history lists the records of retractions': ['withoutRetractions($entries)', '$entries'],
    },
  }),
  ...inFile('core/history-waiter.ts', {
    'HistoryWaiter.#emit': {
      'a shared page of the history has what was retracted after the read': ['$reader.fresh($read)', '$read'],
    },
  }),
  ...inFile('core/entry-filter.ts', {
    'EntryFilter.skippedNow': {
      'a page of the window has retracted notifications': [
        'this.$isHiddenBy(this.$retractions.retractedAt($entry)) || $isReplaced',
        '$isReplaced',
      ],
    },
    'EntryFilter.ofHistory': {
      'a page of the store has retracted notifications': ['this.#retractions.retractedAt($entry, $sharedUpTo)', '0'],
    },
    'EntryFilter.fresh': {
      'notifications that are retracted during a slow access check are delivered': [
        '!$hasRetracted && !$isStale',
        '!$isStale',
      ],
    },
  }),
  ...inFile('wire/encoder.ts', {
    pageBody: {
      'the record of a retraction is sent as a notification': ['withoutRetractions($page.entries)', '$page.entries'],
    },
  }),
  ...inFile('wire/sse.ts', {
    pageToSse: {
      'a stream sends the record of a retraction as a notification': ['retractionOf($entry)', 'undefined'],
    },
  }),
];
