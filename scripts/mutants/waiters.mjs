import { inFile } from './in-file.mjs';

/** Bugs of waiters, their indexes and the feed. */
export const WAITER_MUTANTS = [
  ...inFile('core/waiter.ts', {
    'Waiter.start': {
      'a poll reads before it is armed': ['$waiters.arm(this);', 'setTimeout(() => $waiters.arm(this));'],
      'a revocation during the access check is ignored': [
        'if ($revocations.affects(this.request)) $end; else $turn;',
        '$turn',
      ],
    },
    'Waiter.wake': {
      'a wake-up skips the first new notification': ['this.$read($first - 1)', 'this.$read($first)'],
      'a wake-up is ignored': ["this.$state === 'waiting'", "this.$state === 'ended'"],
      'a drain does not end waiters': [
        "if ($isDraining) $end; else if (this.$state === 'waiting') $read;",
        "if ($isDraining && this.$state !== 'reading') $end else if (this.$state === 'waiting') $read",
      ],
    },
    'Waiter.revoke': {
      'a waiter continues without a revoked topic': [
        'readsAny(this.request.topics, $topics)',
        'this.request.topics.every((one) => readsAny([one], topics))',
      ],
    },
    'Waiter.#leave': {
      'a waiter keeps its timer': ['if (this.#turnTimer !== undefined) $clear;', ''],
      'a stream keeps its lifetime timer': ['if (this.#lifetimeTimer !== undefined) $clear;', ''],
      'a waiter stays in the index': ['$waiters.disarm(this);', ''],
    },
    'Waiter.#turn': {
      'a client that reconnects is not queued': ['$waiters.queue(this, $first);', ''],
      'a client that reconnects skips the first new notification': [
        '$waiters.queue(this, $first)',
        '$waiters.queue(this, $first + 1)',
      ],
      'a client that reconnects overtakes the queue': ['$waiters.isBusy ? $first : undefined', 'undefined'],
    },
    'Waiter.#onStorePage': {
      'a slow read is not repeated': ['$reader.movedOn($page, $epoch)', 'false'],
      'a page of expired notifications ends a poll': ['$page.more ? $left : $moved', '$page.more ? false : $moved'],
      'a poll that does not wait reads on beyond expired notifications': [
        '$page.more ? $left : $moved',
        '$page.more || $moved',
      ],
    },
    'Waiter.#onPage': {
      'rights are checked only for pages with a gap': [
        '$page.entries.length > 0 && $rights',
        '$page.entries.length > 0 && $rights && $page.gap',
      ],
    },
    'Waiter.#onTimeout': {
      'a timeout ignores that the waiter is queued': ['$isBusy || $waiters.isQueued(this)', '$isBusy'],
    },
    'Waiter.#emit': {
      'the position does not move with a page': ['this.$position.delivered($page);', ''],
    },
    'Waiter.#nextTurn': {
      'a stream stops after a page with more': ['$clock.setImmediate($turn);', 'return;'],
      'a stream that ended continues': ["this.$state !== 'delivering'", 'false'],
    },
    'Waiter.#end': {
      'the last page of a waiter skips a notification': ['$after.position', '$after.position + 1'],
    },
  }),
  ...inFile('core/page.ts', {
    isEmpty: {
      'a gap is not delivered without notifications': [
        '$entries.length === 0 && $gap === undefined',
        '$entries.length === 0',
      ],
    },
  }),
  ...inFile('core/rights.ts', {
    checkPage: {
      'a page with a forbidden topic is delivered': ['$refused.size === 0', 'refused.size < topics.length'],
    },
  }),
  ...inFile('core/waiters.ts', {
    'Waiters.rejection': {
      'a draining node accepts requests of subscribers': [
        'if (this.$drain) $reject;',
        'if (this.$drain && arguments[0].subscriber === undefined) { $reject }',
      ],
    },
    'Waiters.notify': {
      'a waiter uses only the last of several new positions': ['Math.min($position, $earlier)', '$position'],
    },
    'Waiters.drain': {
      'a drain does not wait for waiters': ['if (this.count === 0) $done;', '$done'],
    },
    'Waiters.releaseSlot': {
      'the slot of an address is never released': ['if (address !== undefined) $decrement;', ''],
      'the slot of a subscriber is never released': ['if (subscriber !== undefined) $decrement;', ''],
    },
    'Waiters.#removeFrom': {
      'a moved waiter keeps its old index': ['$last.indexes = $indexes;', ''],
      'a waiter that leaves also removes the last waiter of its list': ['$waiters[$index] = $last;', ''],
    },
    'Waiters.#enqueue': {
      'a waiter is indexed only under its last topic': ['Math.min($position, $waiter.firstNew)', '$position'],
    },
    'Waiters.#enqueueNew': {
      'a new notification wakes only one waiter of its topic': [
        'this.$byTopic.get($topic) ?? []',
        '(this.$byTopic.get($topic) ?? []).slice(0, 1)',
      ],
    },
    'Waiters.#schedule': {
      'the queue is forgotten': ['this.$topics.size + this.$queue.length === 0', 'this.$topics.size === 0'],
    },
  }),
  ...inFile('core/feed.ts', {
    'Feed.#onAppended': {
      'a wake-up precedes its notification': [
        'this.$reader.extend($batch)',
        `(this.#clock.setImmediate(() => this.#clock.setImmediate(() => this.$reader.extend($batch))),
          $batch.epoch.id === this.window.epoch.id && $batch.after <= this.window.head)`,
      ],
      'waiters are not woken after a hole': ['this.$waiters.notifyAll($from);', ''],
      'after a hole, waiters are woken only for its last entry': [
        'this.$waiters.notifyAll($from)',
        'this.$waiters.notifyAll(this.window.head + 1)',
      ],
      'a revocation that may be missed is ignored': ['for (const $waiter of this.$waiters.ofSubscribers()) $end;', ''],
      'a revocation is applied too late': [
        'if ($revocation) $apply;',
        'if ($revocation) this.#clock.setTimeout(() => { $apply }, 30);',
      ],
      'a revocation in the log is not applied': ['if ($revocation) $apply;', ''],
    },
  }),
];
