import { createHash, hkdfSync } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { type Epoch, PAST_EPOCHS_MAX } from '../core/store.js';

/** Selects the epoch's own secret, without a key of the application. */
const NO_KEY = '';
/** The number of epochs whose secrets are kept: the current one and the earlier ones. */
const EPOCHS_MAX = PAST_EPOCHS_MAX + 1;

/** An epoch whose secret is mixed with a key of the application. */
export interface KeyedEpoch extends Epoch {
  /** Identifies the epoch and the key without revealing either. Cursors contain its first bytes. */
  readonly tag: Buffer;
}

/** The secrets that seal cursors and tickets. */
export class Keys {
  readonly #keys: readonly string[];
  readonly #epochs = new LRUCache<string, readonly KeyedEpoch[]>({ max: EPOCHS_MAX });

  /**
   * @param keys the first key seals, and every key can open. Empty: only the secret of the epoch is
   * used.
   */
  constructor(keys: readonly string[] = []) {
    this.#keys = keys.length > 0 ? [...new Set(keys)] : [NO_KEY];
  }

  /** Returns a keyed epoch for each key, in the order of the keys. */
  of(epoch: Pick<Epoch, 'id' | 'secret'>): readonly KeyedEpoch[] {
    const known = this.#epochs.get(epoch.id);
    if (known) return known;
    const keyed = this.#keys.map((key) => keyedEpoch(epoch, key));
    this.#epochs.set(epoch.id, keyed);
    return keyed;
  }

  /** Returns the keyed epoch for sealing: that of the first key. */
  sealing(epoch: Pick<Epoch, 'id' | 'secret'>): KeyedEpoch {
    return this.of(epoch)[0] ?? keyedEpoch(epoch, NO_KEY);
  }
}

function keyedEpoch({ id, secret }: Pick<Epoch, 'id' | 'secret'>, key: string): KeyedEpoch {
  const tag = createHash('sha256').update(id);
  if (key === NO_KEY) return { id, secret, tag: tag.digest() };
  // Forging a cursor needs both the application's key and the store's secret.
  const derive = (purpose: string): string =>
    Buffer.from(hkdfSync('sha256', key, secret, `nest-notifications ${purpose}`, 32)).toString('base64url');
  return { id, secret: derive('secret'), tag: tag.update(derive('tag')).digest() };
}
