/**
 * Above this number of records in one second, the sampler skips some. A record of OpenTelemetry
 * costs some microseconds, so 100 of them take less than a thousandth of a second.
 */
export const SAMPLES_PER_SECOND = 100;
/**
 * After every `SAMPLES_PER_SECOND` recorded samples within one second, the sampling rate is divided
 * by this factor.
 */
const FEWER_BY = 4;

/** Takes all records at a low rate, and some of them at a high rate. */
export class Sampler {
  #secondEndsAtMs = 0;
  #taken = 0;
  #every = 1;
  #skipped = 0;

  /** Whether to take a record at this time. */
  takes(nowMs: number): boolean {
    if (nowMs >= this.#secondEndsAtMs) {
      this.#secondEndsAtMs = nowMs + 1_000;
      this.#taken = this.#skipped = 0;
      this.#every = 1;
    }
    if (++this.#skipped < this.#every) return false;
    this.#skipped = 0;
    if (++this.#taken % SAMPLES_PER_SECOND === 0) this.#every *= FEWER_BY;
    return true;
  }
}
