import type { Epoch } from '../../core/store.js';

/** Twice what the contract asks for, as it costs nothing. */
const SECRET_BYTES = 32;

/** A new incarnation of a log. */
export function newEpoch(): Epoch {
  const secret = globalThis.crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  return {
    id: globalThis.crypto.randomUUID(),
    secret: Array.from(secret, (byte) => byte.toString(16).padStart(2, '0')).join(''),
  };
}
