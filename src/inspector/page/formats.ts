const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** From this value on, a number is written as `120K` or `1.2M`, so that it fits a tile. */
const COMPACT_FROM = 100_000;

const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const TENTHS = new Intl.NumberFormat('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const COMPACT = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });
const TIME = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const DATE = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' });

/** A number and its unit, which a tile shows in different sizes. */
export interface Quantity {
  readonly number: string;
  readonly unit: string;
}

/** The text of a value that is not known. */
export const UNKNOWN = '–';

export function textOf({ number, unit }: Quantity): string {
  return unit === '' ? number : `${number} ${unit}`;
}

/** A whole number, such as `1,204` or `1.2M`. */
export function count(value: number): string {
  return value < COMPACT_FROM ? WHOLE.format(value) : COMPACT.format(value);
}

/** A number with its noun, such as `1 poll` or `2 polls`. */
export function counted(value: number, noun: string, plural = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : plural}`;
}

/** A number per second. A rate below 10 has a decimal, because slow feeds have such rates. */
export function rate(value: number): string {
  return value > 0 && value < 9.95 ? TENTHS.format(value) : count(value);
}

/** A duration in its largest unit. */
export function duration(ms: number): Quantity {
  if (ms > 0 && ms < 0.05) return { number: '< 0.1', unit: 'ms' };
  if (ms < 9.95) return { number: ms === 0 ? '0' : TENTHS.format(ms), unit: 'ms' };
  if (ms < SECOND_MS) return { number: WHOLE.format(ms), unit: 'ms' };
  if (ms < MINUTE_MS) return { number: TENTHS.format(ms / SECOND_MS), unit: 's' };
  if (ms < HOUR_MS) return { number: TENTHS.format(ms / MINUTE_MS), unit: 'min' };
  if (ms < 2 * DAY_MS) return { number: TENTHS.format(ms / HOUR_MS), unit: 'h' };
  return { number: WHOLE.format(ms / DAY_MS), unit: 'days' };
}

/** A duration that may be unknown. */
export function milliseconds(ms: number | null): string {
  return ms === null ? UNKNOWN : textOf(duration(ms));
}

/** A size in its largest unit. */
export function size(bytes: number): Quantity {
  const units = ['B', 'KB', 'MB', 'GB'];
  let value = bytes;
  let index = 0;
  while (value >= 1024 && index < units.length - 1) {
    value /= 1024;
    index++;
  }
  return { number: index > 0 && value < 9.95 ? TENTHS.format(value) : WHOLE.format(value), unit: units[index] ?? '' };
}

/** A part of a whole, from 0 to 1. */
export function percent(part: number): Quantity {
  // A rounded 100 % would hide the last misses.
  const value = part < 1 ? Math.min(part * 100, 99.9) : 100;
  return { number: value > 99 && value < 100 ? TENTHS.format(value) : WHOLE.format(value), unit: '%' };
}

/** An age in whole units, such as `12 s` or `3 min`. A negative age counts as 0. */
export function age(ms: number): string {
  if (ms < SECOND_MS) return '< 1 s';
  if (ms < MINUTE_MS) return `${Math.floor(ms / SECOND_MS)} s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`;
  if (ms < DAY_MS) return `${Math.floor(ms / HOUR_MS)} h`;
  return `${Math.floor(ms / DAY_MS)} d`;
}

/** The time of the day on the device of the operator. */
export function clockTime(timeMs: number): string {
  return TIME.format(timeMs);
}

/** Date and time on the device of the operator. */
export function dateAndTime(timeMs: number): string {
  return DATE.format(timeMs);
}
