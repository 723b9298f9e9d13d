/** The range and the default of a whole-number option. */
export interface NumberRule {
  readonly default: number;
  readonly min: number;
  readonly max: number;
}

/** Options with their defaults filled in. */
export type Filled<Options> = { readonly [Name in keyof Options]-?: Exclude<Options[Name], undefined> };

/** The longest timer, in milliseconds. Node fires a longer one at once. */
export const TIMER_MS_MAX = 2 ** 31 - 1;

/**
 * The whole-number options of a driver, checked and with defaults filled in.
 *
 * @param others the names of other options, which the driver checks itself
 * @throws RangeError that names option, value and range
 */
export function numberOptions<Name extends string>(
  driver: string,
  options: object,
  rules: Readonly<Record<Name, NumberRule>>,
  others: readonly string[] = [],
): Record<Name, number> {
  const given = options as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(rules, name) && !others.includes(name)) {
      throw new RangeError(`${driver}: unknown option ${name}`);
    }
  }
  const entries = (Object.entries(rules) as [Name, NumberRule][]).map(([name, rule]) => {
    const value = given[name] === undefined ? rule.default : given[name];
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < rule.min || value > rule.max) {
      // JSON cannot express NaN and infinity.
      const shown = typeof value === 'number' ? String(value) : JSON.stringify(value);
      throw new RangeError(`${driver}: ${name} is ${shown}, must be a whole number from ${rangeText(rule)}`);
    }
    return [name, value] as const;
  });
  return Object.fromEntries(entries) as Record<Name, number>;
}

function rangeText({ min, max }: NumberRule): string {
  return max === Number.MAX_SAFE_INTEGER ? `${min}` : `${min} to ${max}`;
}
