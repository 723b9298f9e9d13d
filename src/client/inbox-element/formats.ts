const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const DAY_S = 24 * HOUR_S;
const WEEK_S = 7 * DAY_S;

/** Numbers and times in the language of the page. */
export class Formats {
  readonly #relative: Intl.RelativeTimeFormat;
  readonly #date: Intl.DateTimeFormat;
  readonly #moment: Intl.DateTimeFormat;
  readonly #number: Intl.NumberFormat;

  /** @param lang - A language tag. An invalid one, or none, means the language of the browser. */
  constructor(lang: string | undefined) {
    const locale = supported(lang);
    this.#relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' });
    this.#date = new Intl.DateTimeFormat(locale, { dateStyle: 'medium' });
    this.#moment = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' });
    this.#number = new Intl.NumberFormat(locale);
  }

  /** The count, or `99+` if it is above the cap. */
  count(count: number, cap: number): string {
    return count > cap ? `${this.#number.format(cap)}+` : this.#number.format(count);
  }

  /** The age in the largest unit, or the date after a week. Empty for an invalid time. */
  age(time: string, nowMs: number): string {
    const ms = Date.parse(time);
    if (Number.isNaN(ms)) return '';
    // The clock of the server may be ahead.
    const seconds = Math.max(0, Math.round((nowMs - ms) / 1000));
    if (seconds < MINUTE_S) return this.#relative.format(0, 'second');
    if (seconds < HOUR_S) return this.#relative.format(-Math.floor(seconds / MINUTE_S), 'minute');
    if (seconds < DAY_S) return this.#relative.format(-Math.floor(seconds / HOUR_S), 'hour');
    if (seconds < WEEK_S) return this.#relative.format(-Math.floor(seconds / DAY_S), 'day');
    return this.#date.format(ms);
  }

  /** Date and time. Empty for an invalid time. */
  moment(time: string): string {
    const ms = Date.parse(time);
    return Number.isNaN(ms) ? '' : this.#moment.format(ms);
  }
}

function supported(lang: string | undefined): string | undefined {
  try {
    return lang ? Intl.getCanonicalLocales(lang)[0] : undefined;
  } catch {
    return undefined;
  }
}
