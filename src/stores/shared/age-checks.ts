/** The shortest time between two checks of a log's age. */
export const AGE_CHECK_MS_MIN = 50;
const AGE_CHECK_MS_MAX = 60_000;
/** A notification is removed late by at most this part of its age, if the bounds allow. */
const AGE_CHECKS = 20;

/** The time between two checks for entries that are older than `retainMs`. */
export function ageCheckMs(retainMs: number): number {
  return Math.min(AGE_CHECK_MS_MAX, Math.max(AGE_CHECK_MS_MIN, retainMs / AGE_CHECKS));
}
