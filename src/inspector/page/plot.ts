/** The sizes of the view box. The page stretches it, and lines keep their width. */
export const PLOT_WIDTH = 1_000;
export const PLOT_HEIGHT = 100;

/** The intervals of a chart. The server keeps at most this number. */
export const INTERVALS = 60;

/** The step of Page Up and Page Down. */
const PAGE = 12;

/** The values of one line. `null` is a time without a value: the line has a break there. */
export type Values = readonly (number | null)[];

/** Steps of a scale that are easy to halve. */
const STEPS = [1, 2, 4, 6, 8, 10];

/** The upper end of a scale: at least `min`, and a number that is easy to read. */
export function scaleEnd(lines: readonly Values[], min: number): number {
  let largest = 0;
  for (const values of lines) for (const value of values) largest = Math.max(largest, value ?? 0);
  if (largest <= min) return min;
  const power = 10 ** Math.floor(Math.log10(largest));
  return (STEPS.find((step) => step * power >= largest) ?? 10) * power;
}

/** The path of a line. A value between two breaks becomes a dot. */
export function linePath(values: Values, end: number): string {
  return runsOf(values)
    .map((run) => `M${run.map(({ index, value }) => point(index, value, { end, last: values.length - 1 })).join('L')}`)
    .map((path) => (path.includes('L') ? path : `${path}h0`))
    .join('');
}

/** The path of the area below a line. */
export function areaPath(values: Values, end: number): string {
  const last = values.length - 1;
  return runsOf(values)
    .filter((run) => run.length > 1)
    .map((run) => {
      const points = run.map(({ index, value }) => point(index, value, { end, last }));
      const [first, final] = [run[0], run.at(-1)];
      return `M${x(first?.index ?? 0, last)} ${PLOT_HEIGHT}L${points.join('L')}L${x(final?.index ?? 0, last)} ${PLOT_HEIGHT}Z`;
    })
    .join('');
}

/** The horizontal position of a value. */
export function x(index: number, last: number): number {
  return last <= 0 ? PLOT_WIDTH : round((index / last) * PLOT_WIDTH);
}

/** The index of the value that is nearest to a part of the width, from 0 to 1. */
export function indexAt(part: number, length: number): number {
  return Math.min(length - 1, Math.max(0, Math.round(part * (length - 1))));
}

/** The part of a keyboard event that chooses a value. */
export interface KeyPress {
  readonly key: string;
  readonly altKey: boolean;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
}

/** The index that a key chooses. Undefined: the key has another meaning. */
export function indexAfter({ key, altKey, ctrlKey, metaKey }: KeyPress, index: number): number | undefined {
  // With these keys, the browser has own shortcuts, such as Alt and the left arrow.
  if (altKey || ctrlKey || metaKey) return undefined;
  const next: Readonly<Record<string, number | undefined>> = {
    ArrowLeft: index - 1,
    ArrowDown: index - 1,
    ArrowRight: index + 1,
    ArrowUp: index + 1,
    PageDown: index - PAGE,
    PageUp: index + PAGE,
    Home: 0,
    End: INTERVALS - 1,
  };
  return next[key];
}

interface Scale {
  readonly end: number;
  readonly last: number;
}

function point(index: number, value: number, { end, last }: Scale): string {
  return `${x(index, last)} ${round(PLOT_HEIGHT - (Math.min(value, end) / end) * PLOT_HEIGHT)}`;
}

function runsOf(values: Values): { readonly index: number; readonly value: number }[][] {
  const runs: { index: number; value: number }[][] = [];
  let isOpen = false;
  for (const [index, value] of values.entries()) {
    if (value === null) isOpen = false;
    else if (isOpen) runs.at(-1)?.push({ index, value });
    else {
      runs.push([{ index, value }]);
      isOpen = true;
    }
  }
  return runs;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
