/** The shortest time between two checks of a log's age. */
export const AGE_CHECK_MS_MIN = 50;
const AGE_CHECK_MS_MAX = 60_000;
/** The log is checked this many times within `retainMs`, if the bounds of the interval allow it. */
const AGE_CHECKS = 20;

/** The time between two checks for entries that are older than `retainMs`. */
export function ageCheckMs(retainMs: number): number {
  return Math.min(AGE_CHECK_MS_MAX, Math.max(AGE_CHECK_MS_MIN, retainMs / AGE_CHECKS));
}
