/** The range of a whole-number option, and its default. Without a default a value is required. */
export interface NumberRule {
  readonly default?: number;
  readonly min: number;
  readonly max: number;
}

/** The options of a function or module, or one group of them. */
export interface OptionRules<Name extends string> {
  /** The function or module, for error messages. */
  readonly owner: string;
  /** The name of the group with a dot, such as `poll.`. */
  readonly group?: string | undefined;
  readonly numbers: Readonly<Record<Name, NumberRule>>;
  /** The names of other options, which the caller checks itself. */
  readonly others?: readonly string[] | undefined;
}

/** An option with a value that is not allowed. */
export interface WrongOption {
  readonly owner: string;
  readonly name: string;
  readonly value: unknown;
  /** Completes a sentence that begins with "it". */
  readonly rule: string;
}

/** Options with their defaults filled in. */
export type Filled<Options> = { readonly [Name in keyof Options]-?: Exclude<Options[Name], undefined> };

/**
 * The whole-number options, checked and with defaults filled in.
 *
 * @throws RangeError that names option, value and range, or an option that does not exist
 */
export function numberOptions<Name extends string>(options: object, rules: OptionRules<Name>): Record<Name, number> {
  const { owner, group = '', numbers, others = [] } = rules;
  const given = options as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(numbers, name) && !others.includes(name)) throw unknownOption(owner, group + name);
  }
  const entries = (Object.entries(numbers) as [Name, NumberRule][]).map(([name, range]) => {
    const value = given[name] === undefined ? range.default : given[name];
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= range.min && value <= range.max) {
      return [name, value] as const;
    }
    throw wrongOption({ owner, name: group + name, value, rule: `must be a whole number ${rangeText(range)}` });
  });
  return Object.fromEntries(entries) as Record<Name, number>;
}

/** The error for an option with a value that is not allowed. */
export function wrongOption({ owner, name, value, rule }: WrongOption): RangeError {
  return new RangeError(`${owner}: option ${name} is ${describe(value)}; it ${rule}`);
}

export function unknownOption(owner: string, name: string): RangeError {
  return new RangeError(`${owner}: there is no option ${name}`);
}

function rangeText({ min, max }: NumberRule): string {
  return max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
}

/** A longer string is shortened in an error message. */
const TEXT_SHOWN_MAX = 100;

/** Names the type where values of two types look alike, such as the string "5" and the number 5. */
function describe(value: unknown): string {
  if (typeof value === 'string') {
    const shown = value.length > TEXT_SHOWN_MAX ? `${value.slice(0, TEXT_SHOWN_MAX)}…` : value;
    return `the string ${JSON.stringify(shown)}`;
  }
  if (typeof value === 'bigint') return `the bigint ${value}`;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object';
  return String(value);
}
