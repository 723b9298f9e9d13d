import { SERVER_PAUSE_MS_MAX } from './connection-state.js';
import type { Auth, ConnectOptions } from './options.js';

/** The headers of one request, and the time after which a stream needs a new token. */
export interface Authorization {
  readonly headers: Readonly<Record<string, string>>;
  readonly renewInMs?: number;
}

/** The time between the opening of a new stream and the expiry of the old token. */
const RENEW_BEFORE_MS = 10_000;
/** The shortest time between two renewals, in case the clock of the device is wrong. */
const RENEW_MS_MIN = 30_000;
/** The longest time until a renewal. A timer of more than 24 days would overflow. */
const RENEW_MS_MAX = SERVER_PAUSE_MS_MAX;

/** Calls the application's `auth` for the headers of one request. */
export async function authorize(auth: ConnectOptions['auth'], refused: boolean): Promise<Authorization> {
  const given = await auth?.({ refused });
  if (typeof given === 'string') return { headers: bearer(given) };
  if (!isToken(given)) return { headers: given ?? {} };
  // An invalid date counts as expired.
  const leftMs = given.expiresAt.getTime() - Date.now() || 0;
  const renewInMs = Math.min(RENEW_MS_MAX, Math.max(RENEW_MS_MIN, leftMs - RENEW_BEFORE_MS));
  return { headers: bearer(given.token), renewInMs };
}

function bearer(token: string): Readonly<Record<string, string>> {
  return { Authorization: `Bearer ${token}` };
}

function isToken(auth: Auth | undefined): auth is Extract<Auth, { readonly expiresAt: Date }> {
  return (auth as { expiresAt?: unknown } | undefined)?.expiresAt instanceof Date;
}
