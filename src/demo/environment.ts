import { isIP } from 'node:net';
import type { NotificationsOptions } from '../index.js';
import { isStore, openStore, STORE_FORMS, withoutCredentials } from './store.js';

/** A number that the environment may set: its meaning, and its range. */
interface NumberVariable {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  /** True if decimals are allowed. */
  readonly decimal?: boolean;
  readonly meaning: string;
}

const HOUR_S = 3_600;
const DAY_S = 24 * HOUR_S;
const MIB = 1024 * 1024;

const STORE_DEFAULT = 'sqlite:data/notifications.db';
const STORE_MEANING = `where notifications are kept: ${STORE_FORMS}`;

const HOST_DEFAULT = '127.0.0.1';
const HOST_MEANING = 'address to listen on; every client that can connect may read and publish';

/** The ranges of the module's own options, in larger units such as seconds. */
const NUMBERS = {
  PORT: { default: 3_000, min: 0, max: 65_535, meaning: 'port to listen on; 0 takes any free one' },
  WAIT_SECONDS: {
    default: 25,
    min: 0,
    max: 300,
    decimal: true,
    meaning: 'how long a poll is held by default while there is no new notification',
  },
  HEARTBEAT_SECONDS: {
    default: 15,
    min: 0.1,
    max: 300,
    decimal: true,
    meaning: 'silence after which a stream sends a comment line',
  },
  STREAM_SECONDS: {
    default: 1_800,
    min: 1,
    max: DAY_S,
    decimal: true,
    meaning: 'lifetime of a stream (±20 %) before its client reconnects and resumes',
  },
  RETRY_SECONDS: {
    default: 2,
    min: 0,
    max: 300,
    decimal: true,
    meaning: 'pause (±20 %) of a client before its stream reconnects',
  },
  RETAIN_COUNT: { default: 100_000, min: 1, max: 10_000_000, meaning: 'notifications kept for clients that reconnect' },
  RETAIN_SECONDS: {
    default: HOUR_S,
    min: 1,
    max: 365 * DAY_S,
    decimal: true,
    meaning: 'seconds for which notifications are kept',
  },
  RETAIN_MIB: { default: 64, min: 1, max: 4_096, meaning: 'MiB of JSON kept' },
  WAITERS_MAX: {
    default: 20_000,
    min: 1,
    max: 10_000_000,
    meaning: 'maximum of held polls and open streams; further clients retry later',
  },
  SOURCE_SECONDS: {
    default: 2,
    min: 0,
    max: HOUR_S,
    decimal: true,
    meaning: 'seconds between two samples of this process on system.pulse; 0: none',
  },
} as const satisfies Record<string, NumberVariable>;

type NumberName = keyof typeof NUMBERS;

/** The configuration of the demo server. Each key is the name of an environment variable. */
export type Environment = Readonly<Record<NumberName, number>> & { readonly HOST: string; readonly STORE: string };

/** An environment variable with its present value, as shown at the start. */
export interface Setting {
  readonly name: string;
  readonly value: string;
  readonly meaning: string;
}

/** A variable is invalid. The message has its name, its value and the allowed range. */
export class EnvironmentError extends Error {}

/**
 * Reads the configuration. A missing or empty variable has its default.
 * @throws EnvironmentError
 */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): Environment {
  const names = Object.keys(NUMBERS) as NumberName[];
  const numbers = Object.fromEntries(names.map((name) => [name, readNumber(name, env[name])]));
  return { ...(numbers as Record<NumberName, number>), HOST: readHost(env.HOST), STORE: readStore(env.STORE) };
}

/** All variables, in the order in which they are printed. */
export function settingsOf(environment: Environment): readonly Setting[] {
  const { PORT, ...others } = NUMBERS;
  const setting = (name: NumberName, { meaning }: NumberVariable): Setting => ({
    name,
    value: String(environment[name]),
    meaning,
  });
  return [
    setting('PORT', PORT),
    { name: 'HOST', value: environment.HOST, meaning: HOST_MEANING },
    { name: 'STORE', value: withoutCredentials(environment.STORE), meaning: STORE_MEANING },
    ...Object.entries(others).map(([name, variable]) => setting(name as NumberName, variable)),
  ];
}

/**
 * The module's options for the variables. The server is open to every client that can connect: it
 * is a demo.
 */
export function moduleOptions(environment: Environment): NotificationsOptions {
  const waitMs = toMs(environment.WAIT_SECONDS);
  const waitMsMaxDefault = 55_000;
  return {
    access: { read: 'public', publish: 'public' },
    store: openStore(environment.STORE, {
      retainCount: environment.RETAIN_COUNT,
      retainMs: toMs(environment.RETAIN_SECONDS),
      retainBytes: environment.RETAIN_MIB * MIB,
    }),
    poll: { waitMs, waitMsMax: Math.max(waitMs, waitMsMaxDefault) },
    stream: {
      heartbeatMs: toMs(environment.HEARTBEAT_SECONDS),
      lifetimeMs: toMs(environment.STREAM_SECONDS),
      retryMs: toMs(environment.RETRY_SECONDS),
    },
    limits: { waitersMax: environment.WAITERS_MAX },
  };
}

/** True if only clients on this machine can connect to the address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

export function toMs(seconds: number): number {
  return Math.round(seconds * 1_000);
}

function readNumber(name: NumberName, text: string | undefined): number {
  const { default: fallback, min, max, decimal = false }: NumberVariable = NUMBERS[name];
  if (text === undefined || text === '') return fallback;
  const pattern = decimal ? /^\d{1,9}(?:\.\d{1,3})?$/ : /^\d{1,9}$/;
  const value = pattern.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  const kind = decimal ? 'a number with at most 3 decimals,' : 'a whole number';
  throw new EnvironmentError(`${name} is ${JSON.stringify(text)}, must be ${kind} from ${min} to ${max}`);
}

function readHost(text: string | undefined): string {
  if (text === undefined || text === '') return HOST_DEFAULT;
  // An IPv6 zone (fe80::1%eth0) is not valid in a URL for browsers.
  const isAddress = isIP(text) !== 0 && !text.includes('%');
  if (isAddress || /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/.test(text)) return text;
  throw new EnvironmentError(
    `HOST is ${JSON.stringify(text)}, must be a host name or an IP address, without scheme, port or brackets`,
  );
}

function readStore(text: string | undefined): string {
  if (text === undefined || text === '') return STORE_DEFAULT;
  if (isStore(text)) return text;
  throw new EnvironmentError(
    `STORE is invalid; it must be ${STORE_FORMS}. Its value is hidden, because it may contain a password.`,
  );
}
