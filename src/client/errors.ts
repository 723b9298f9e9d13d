/** The reason why a feed has ended for good. */
export class FeedError extends Error {
  /** The HTTP status of the answer, if there was one. */
  readonly status: number | undefined;
  /**
   * The server's code (`forbidden`, `topic_invalid`, …), from the header `Notifications-Error` or the body. The client
   * itself sets `redirected` and `answer_too_large`.
   */
  readonly code: string | undefined;

  constructor(message: string, { status, code }: { status?: number | undefined; code?: string | undefined } = {}) {
    super(message);
    this.name = 'FeedError';
    this.status = status;
    this.code = code;
  }
}
