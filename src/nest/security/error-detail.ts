/** The text of an error for a log: its stack if it has one. */
export function errorDetail(error: unknown): string | undefined {
  return error instanceof Error ? error.stack : String(error);
}
