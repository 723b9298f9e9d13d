import { inFile } from './in-file.mjs';

/** Bugs of the stores and of the wire format. */
export const OUTER_MUTANTS = [
  ...inFile('stores/shared/tail-hub.ts', {
    'TailHub.deliverAppended': {
      'own appends are delivered across a hole': [
        '$follower.epochId === $batch.epoch.id && $follower.head === $batch.after',
        '$follower.epochId === $batch.epoch.id && $follower.head <= $batch.after',
      ],
    },
    'TailHub.#deliver': {
      'a tail does not report entries that retention removed': ['Math.max($follower.head, $trimmed)', '$follower.head'],
      'a tail treats a new log as its old log': ['$epoch.id !== $follower.epochId', "$epoch.id === ''"],
      'a tail that was read in part reports the end': [
        'this.$give($follower, { $epoch, $after, entries: $entries, head: $upTo })',
        'this.$give($follower, { $epoch, $after, entries: $entries, head: arguments[1].head })',
      ],
    },
    'TailHub.#give': {
      'a tail continues one position too far': ['$follower.head = $batch.head;', '$follower.head = $batch.head + 1;'],
    },
  }),
  ...inFile('stores/shared/epoch.ts', {
    pastEpochs: {
      'an older epoch is continued beyond a later fork': ['Math.min($past.upTo, $upTo)', '$past.upTo'],
      'a loss between an older epoch and the newest is forgotten': ['$past.lost === true || $lost', '$past.lost'],
    },
  }),
  ...inFile('stores/memory/memory-store.ts', {
    'MemoryStore.append': {
      'a repeated id is appended again': [
        'if ($first) return { id: $draft.id, position: $first.position, duplicate: true };',
        '',
      ],
    },
    'MemoryStore.read': {
      'entries that retention removed are not counted': ['this.$log.completeAfter($query.topics)', '0'],
    },
  }),
  ...inFile('wire/cursor.ts', {
    'Cursors.#sealersOf': {
      'every cursor is sealed with the secret of the first log': ['this.$own?.id !== $epoch.id', '!this.$own'],
    },
    'Sealer.sealStable': {
      'two notifications share the id of one block': [
        "$side === 'after' ? this.$seal($position, 0) : this.$seal($position - 1, 1)",
        'this.$seal($position, 0)',
      ],
    },
    'Sealer.#seal': {
      'a cursor is one position too far': ['$position % 2 ** 32', '($position % 2 ** 32) + 1'],
    },
    open: {
      'a cursor of another log is invalid': ['return unknown;', 'return undefined;'],
      'a cursor beyond a fork has no position in any log': [
        'positionIn($epoch, $held) ?? $unknown',
        'positionIn($epoch, $held) ?? NOWHERE',
      ],
    },
  }),
  ...inFile('wire/sse.ts', {
    pageToSse: {
      'the cursor of a gap is behind its page': ['$ids.before($first.position)', '$ids.after(arguments[0].position)'],
      'every block has the cursor of its page': ['$ids.after($position)', '$ids.after(arguments[0].position)'],
    },
  }),
];
