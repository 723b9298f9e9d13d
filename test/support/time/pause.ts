/**
 * Waits for real time. A test uses `until` or a clock instead; eslint.config.mjs lists the files
 * that may import this, with their reasons.
 */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
