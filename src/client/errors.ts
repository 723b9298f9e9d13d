/** Why a feed has ended for good. */
export class FeedError extends Error {
  /** Of the answer. */
  readonly status: number | undefined;
  /** The server's own code for it (`forbidden`, `topic_invalid`, …), if it gave one. */
  readonly code: string | undefined;

  constructor(message: string, { status, code }: { status?: number; code?: string | undefined } = {}) {
    super(message);
    this.name = 'FeedError';
    this.status = status;
    this.code = code;
  }
}
