import { inFile } from './in-file.mjs';

/** Bugs of expiry and of keys. */
export const OPTION_MUTANTS = [
  ...inFile('core/entry-filter.ts', {
    isExpired: {
      'an expired notification is delivered': ['$expires <= $now', 'false'],
      'a notification expires too early': ['$expires <= $now', '$expires - 300 <= $now'],
    },
    topicKey: {
      'a key replaces notifications of other topics': ['`${$topic} ${$key}`', '$key'],
    },
    'EntryFilter.isStale': {
      'a page is shared beyond the expiry of its notifications': ['$stale <= this.$clock.now()', 'false'],
    },
    'EntryFilter.ofHistory': {
      'a page of the store has two notifications of one key': ['$newer.get($name) ?? $newest', '$newest'],
      'a page of the store has expired notifications': ['isExpired($own, $now)', 'false'],
    },
    'EntryFilter.#replacedAt': {
      'a notification replaces itself': ['$newest > $entry.position', '$newest >= $entry.position'],
      'a key replaces nothing': ['$key === undefined', 'true'],
    },
    'EntryFilter.clear': {
      'keys of a lost log replace those of the next one': [
        'this.$options.clear(); this.$newest.clear();',
        'this.$options.clear();',
      ],
      'options of a lost log apply to the next one': [
        'this.$options.clear(); this.$newest.clear();',
        'this.$newest.clear();',
      ],
    },
  }),
  ...inFile('core/waiter.ts', {
    'Waiter.#checkAccess': {
      'notifications that expire during a slow access check are delivered': ['$reader.fresh($page)', '$page'],
    },
    'Waiter.#onAllowed': {
      'a waiter keeps waiting after its whole page has expired': ['this.$read();', 'this.#wait(this.#leftMs());'],
    },
  }),
];
