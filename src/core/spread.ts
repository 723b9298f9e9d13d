/**
 * Clients that a node, or whoever takes over from it, is to get back in a second. A poll costs some 0.1 ms and a TLS handshake some 1 ms
 * of a core, so that half of it is left for the work.
 */
export const RETURNS_PER_SECOND = 500;

/** Over how long so many clients are to be spread when they come back, in milliseconds. */
export function spreadMs(clients: number): number {
  return (clients / RETURNS_PER_SECOND) * 1000;
}
