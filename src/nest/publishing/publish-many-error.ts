import { NotificationsError } from '../../core/errors.js';
import { NotificationsException } from '../notifications.exception.js';

/** The progress of a publish to many topics. */
export interface PublishManyProgress {
  /** The notification's id. The ids of its copies derive from it and from their topics. */
  readonly id: string;
  /** The topics that are done, counted from the first: their copies are in the log. */
  readonly topics: number;
  /** How many of these copies were in the log before. */
  readonly duplicates: number;
}

/**
 * The error of `publishMany`. `code` is a code of `NotificationsException`, such as
 * `store_unavailable`. It is `publish_incomplete` if the signal was aborted, or if the topics or
 * `onProgress` failed. `cause` is the original error.
 */
export class PublishManyError extends NotificationsException {
  /**
   * The part that is done. The copies of up to one more chunk may be in the log too, if the store
   * did not answer.
   */
  readonly progress: PublishManyProgress;

  constructor(cause: unknown, progress: PublishManyProgress) {
    const error = errorOf(cause, progress);
    super(error);
    this.progress = progress;
    this.cause = cause;
    // The HTTP answer hides the error text of the store, but logs show it.
    this.message = error.message;
  }
}

function errorOf(cause: unknown, { id, topics }: PublishManyProgress): NotificationsError {
  const done = `publishMany stopped after ${topics} topics; call it again with the id ${id}`;
  // A message of the application's code may be secret, so it is in the cause only.
  if (!(cause instanceof NotificationsError)) return new NotificationsError('publish_incomplete', done, { cause });
  // Nothing is published under an invalid id, which may be long.
  if (cause.code === 'id_invalid') return cause;
  const { code, message, retryAfterMs, spreadMs } = cause;
  const times = { spreadMs, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  return new NotificationsError(code, `${done}: ${message}`, { cause, ...times });
}
