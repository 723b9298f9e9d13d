/** Identifies the errors of all copies of this module. */
const BRAND = Symbol.for('nest-notifications.FeedError');

/** The error that ended a feed permanently. */
export class FeedError extends Error {
  /** The HTTP status of the answer, if there was one. */
  readonly status: number | undefined;
  /**
   * The server's code (`forbidden`, `topic_invalid`, …), from the header `Notifications-Error` or
   * the body. The client itself sets `redirected`, `answer_too_large` and `url_invalid`.
   */
  readonly code: string | undefined;

  constructor(message: string, { status, code }: { status?: number | undefined; code?: string | undefined } = {}) {
    super(message);
    this.name = 'FeedError';
    this.status = status;
    this.code = code;
    Object.defineProperty(this, BRAND, { value: true });
  }

  /**
   * `instanceof` also holds for an error from another copy of the client, such as one in a library.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    const isInstance = super[Symbol.hasInstance](value);
    return isInstance || (this === FeedError && typeof value === 'object' && value !== null && BRAND in value);
  }
}
