import { inFile } from './in-file.mjs';

/** Bugs of the history. */
export const HISTORY_MUTANTS = [
  ...inFile('core/reader.ts', {
    'Reader.#historyInWindow': {
      'the history ends where the window ends': ['if (!$more) return undefined;', ''],
    },
  }),
  ...inFile('core/store-pages.ts', {
    'StorePages.history': {
      'the history leaves out the notification at its position': ['$held.position + 1', '$held.position'],
      'a lost position of the history is read as if it were kept': [
        '$start && $held.position <= $read.head',
        '$start || true',
      ],
    },
  }),
  ...inFile('core/history-page.ts', {
    historyPage: {
      'the end of a trimmed history counts as the beginning of the log': ['!$more && $trimmed > 0', 'false'],
    },
  }),
  ...inFile('core/history-slot.ts', {
    'HistorySlot.isAhead': {
      'a node delivers a history that it has not received': ['$newest.position > $window.head', 'false'],
    },
    'HistorySlot.revoke': {
      'a revocation does not end a read of the history': ['this.retryRevoked();', ''],
    },
  }),
  ...inFile('core/memory-log.ts', {
    nextRun: {
      'topics of the history are not merged': [
        '$best && ($other - $position) * $step > 0',
        '$best && $other > $position',
      ],
    },
  }),
  ...inFile('wire/encoder.ts', {
    'PageEncoder.cursor': {
      'the history repeats its oldest notification': ["$history ? 'before' : 'after'", "'after'"],
    },
  }),
];
