import { inFile } from './in-file.mjs';

/** Bugs of declared patterns. */
export const PATTERN_MUTANTS = [
  ...inFile('core/patterns.ts', {
    covers: {
      'a pattern matches records of the library': ['!$topic.startsWith($prefix)', 'true'],
    },
    disjointNames: {
      'a topic that is requested with its pattern is read twice': [
        '$pattern !== $name && covers($pattern, $name)',
        'false',
      ],
    },
    afterDeclaration: {
      'a repeated declaration hides earlier entries': [
        '$indexed.find(($one) => $one.name === $name)?.since ?? $head',
        '$head',
      ],
    },
    completeAfter: {
      'an undeclared pattern counts as complete': ['$found?.since ?? $head', '$found?.since ?? 0'],
    },
  }),
  ...inFile('core/memory-log.ts', {
    'MemoryLog.dropOldest': {
      'the index of a pattern keeps dropped entries': ['if ($entries.first === $entry) $entries.shift();', ''],
    },
  }),
  ...inFile('core/feed.ts', {
    'Feed.#notify': {
      'a waiter of a pattern does not wake': [
        'for (const $pattern of $matching) this.$waiters.notify($pattern, $position);',
        '',
      ],
    },
  }),
  ...inFile('core/declared-patterns.ts', {
    'DeclaredPatterns.follow': {
      'a new epoch has no patterns': ['if ($isLater) this.$declareAgain();', ''],
    },
  }),
  ...inFile('core/rights.ts', {
    checkPage: {
      'a pattern shows refused topics': ['withoutTopics($page, $refused)', '$page'],
      'a refused topic beside a pattern is left out silently': ['$names.some(($name) => $refused.has($name))', 'false'],
    },
    withoutTopics: {
      'a page without refused topics has the bytes of the whole page': [
        'return { ...$page, entries, encoded: undefined, notificationCount: undefined };',
        'return { ...$page, entries };',
      ],
    },
  }),
  ...inFile('core/skipped-pages.ts', {
    'SkippedPages.endWith': {
      'a request has no limit for pages of refused notifications': ['this.$count >= SKIPPED_PAGES_MAX', 'false'],
    },
    'SkippedPages.reset': {
      'the limit of pages counts all turns of a stream': ['this.$count = 0;', ''],
    },
    isSkippedPage: {
      'a stream reads refused pages without a pause': ['$page.more && isEmpty($page)', 'false'],
    },
  }),
  ...inFile('core/store-pages.ts', {
    'StorePages.after': {
      'entries of a plain topic from before the pattern’s declaration are delivered': [
        'hasEntryUpTo($read, $trimmed)',
        'false',
      ],
    },
  }),
];
