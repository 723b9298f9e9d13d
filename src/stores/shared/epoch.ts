import { type Epoch, type PastEpoch, PAST_EPOCHS_MAX } from '../../core/store.js';

/** Twice the length that the contract asks for; it costs nothing. */
const SECRET_BYTES = 32;

/** A new incarnation of a log that continues none. */
export function newEpoch(): Epoch {
  const secret = globalThis.crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  return {
    id: globalThis.crypto.randomUUID(),
    secret: Array.from(secret, (byte) => byte.toString(16).padStart(2, '0')).join(''),
  };
}

/**
 * The past epochs of a log that keeps the entries of `old` up to a position, and nothing else of it.
 * @param lost whether acknowledged entries after that position are lost, or may be
 */
export function pastEpochs({ id, secret, before = [] }: Epoch, upTo: number, lost: boolean): readonly PastEpoch[] {
  const older = before.map((past) => ({
    ...past,
    upTo: Math.min(past.upTo, upTo),
    // A client that skipped `old` continues past the loss as well.
    lost: past.lost === true || lost,
  }));
  return [{ id, secret, upTo, lost }, ...older].slice(0, PAST_EPOCHS_MAX);
}
