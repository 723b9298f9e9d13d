import { type Epoch, type PastEpoch, PAST_EPOCHS_MAX } from '../../core/store.js';

/** Twice the length that the contract requires. */
const SECRET_BYTES = 32;

/** Random bytes as text. */
export function randomHex(bytes: number): string {
  return Buffer.from(globalThis.crypto.getRandomValues(new Uint8Array(bytes))).toString('hex');
}

/** A new epoch that does not continue another one. */
export function newEpoch(): Epoch {
  return { id: globalThis.crypto.randomUUID(), secret: randomHex(SECRET_BYTES) };
}

/**
 * The past epochs of a log that keeps the entries of `old` up to a position.
 * @param lost true if acknowledged entries after that position are lost, or may be
 */
export function pastEpochs({ id, secret, before = [] }: Epoch, upTo: number, lost: boolean): readonly PastEpoch[] {
  const older = before.map((past) => ({
    ...past,
    upTo: Math.min(past.upTo, upTo),
    // A client whose epoch is older than `old` also misses the lost entries.
    lost: past.lost === true || lost,
  }));
  return [{ id, secret, upTo, lost }, ...older].slice(0, PAST_EPOCHS_MAX);
}
