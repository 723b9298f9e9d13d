import { inFile } from './in-file.mjs';

/** Bugs of erasures. */
export const ERASE_MUTANTS = [
  ...inFile('core/erasure.ts', {
    eraseTopics: {
      'the node that erases forgets nothing until it receives its record': [
        'onRecorded({ topics: $topics, epochId: $epochId, upTo });',
        '',
      ],
      'an erasure of many topics ends after its first record': ['$at < $topics.length', '$at === 0'],
      'an erasure leaves the notifications in the store': [
        'await $store.remove({ topic, upTo, epochId: $epochId })',
        '{ count: 0 }',
      ],
      'an erasure removes what is published after its record': [
        '$store.remove({ topic, upTo, epochId: $epochId })',
        '$store.remove({ topic, upTo: Number.MAX_SAFE_INTEGER, epochId: $epochId })',
      ],
      'an erasure removes the topic before its record is appended': [
        'const { epoch, appended } = await $store.append([$draft]);',
        `for (const topic of some) {
          const { epoch: before, head } = await $store.read({ topics: [], after: 0, limit: 0, bytesMax: 0 });
          await $store.remove({ topic, upTo: head, epochId: before.id });
        }
        const { epoch, appended } = await $store.append([$draft]);`,
      ],
    },
    erasedTopicsOf: {
      'a notification of any topic erases topics': ['$topic !== ERASURES', 'false'],
      'an erasure of invalid names is applied': ['$topics.every(($name) => typeof $name === "string")', 'true'],
    },
  }),
  ...inFile('core/reader.ts', {
    'Reader.forget': {
      'an erasure of a lost log hides notifications of the new one': ['$epochId !== this.$epoch.id', 'false'],
      'a read of the store that began before the erasure delivers the topic': [
        'this.$filter.erase($topic, $upTo);',
        '',
      ],
      'a page that was shared before is delivered after its erasure': ['this.$forgetPages();', ''],
      'the window keeps an erased topic': ['this.$log.remove({ topic, upTo })', '[]'],
      'the options of erased notifications stay in memory': ['this.$filter.drop($entry);', ''],
    },
    'Reader.extend': {
      'an erased notification that arrives late is added to the window': ['!this.$filter.isErased($entry)', 'true'],
      'an erasure of a lost log stays after the change of the log': ['this.$filter.continueAfter($shared);', ''],
    },
  }),
  ...inFile('core/entry-filter.ts', {
    'EntryFilter.erase': {
      'a repeated erasure is forgotten early': [
        'this.$erased.delete($topic); this.$erased.set($topic, $latest);',
        'this.$erased.set($topic, $latest);',
      ],
      'the record of an earlier erasure replaces a later erasure': [
        'Math.max($upTo, this.$erased.get($topic) ?? 0)',
        '$upTo',
      ],
      'a node remembers any number of erased topics': ['this.$erased.size <= ERASED_TOPICS_MAX', 'true'],
    },
    'EntryFilter.isErased': {
      'an erasure hides notifications of an earlier log': [
        'Math.min(this.$erased.get($topic) ?? 0, $sharedUpTo)',
        'this.$erased.get($topic) ?? 0',
      ],
      'an erasure hides what is published later': ['$position <= $upTo', 'this.#erased.has(topic)'],
    },
    'EntryFilter.ofHistory': {
      'a page of the store has erased notifications': ['this.isErased($entry, $sharedUpTo)', 'false'],
    },
    'EntryFilter.fresh': {
      'a slow access check delivers what was erased': ['this.$erased.size > 0', 'false'],
    },
    'EntryFilter.#isWithdrawn': {
      'an application that checks a notification again gets an erased one': [
        'this.isErased($entry, $sharedUpTo)',
        'false',
      ],
    },
  }),
  ...inFile('core/memory-log.ts', {
    'MemoryLog.remove': {
      'the bytes of erased notifications still count': ['this.$bytes -= $entry.bytes;', ''],
      'an erased topic stays in the index of topics': ['this.$byTopic.delete($topic);', ''],
      'the index of a pattern keeps an erased topic': ['covers($pattern, $topic)', 'false'],
      'an erased topic stays in the sequence of the log': ['this.$entries.remove($entry);', ''],
      'an erasure forgets what is published later': ['$next.position <= $upTo', 'true'],
      'an erasure keeps the skipped notifications in memory': ['[...(this.$skipped.get($topic) ?? [])]', '[]'],
    },
    'MemoryLog.dropOldest': {
      'skipped notifications stay in memory': ['this.#dropSkipped($entry);', ''],
    },
  }),
  ...inFile('core/entry-list.ts', {
    'EntryList.remove': {
      'an entry is removed twice': ['this.at($index) === $entry', 'true'],
    },
    'EntryList.#removeAt': {
      'the holes of erased notifications take memory': [
        '$unused < COMPACT_AT || $unused * 2 < this.$items.length',
        'true',
      ],
    },
    'EntryList.entryFrom': {
      'a read ends at an erased notification': ['!this.at($next)', 'false'],
    },
  }),
  ...inFile('core/feed.ts', {
    'Feed.#onAppended': {
      'a node ignores the erasures of other nodes': ['this.$reader.forget($erasure);', ''],
    },
  }),
];
