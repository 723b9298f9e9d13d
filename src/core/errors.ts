/** Stable names of errors. They are part of the HTTP protocol and never change their meaning. */
export type ErrorCode =
  | 'query_invalid'
  | 'topic_missing'
  | 'topic_invalid'
  | 'topics_too_many'
  | 'pattern_undeclared'
  | 'cursor_invalid'
  | 'before_invalid'
  | 'wait_invalid'
  | 'limit_invalid'
  | 'not_acceptable'
  | 'body_invalid'
  | 'body_too_large'
  | 'media_type_unsupported'
  | 'type_invalid'
  | 'id_invalid'
  | 'data_invalid'
  | 'option_invalid'
  | 'status_invalid'
  | 'subscriber_invalid'
  | 'id_reused'
  | 'inbox_full'
  | 'notification_too_large'
  | 'notifications_too_many'
  | 'ticket_invalid'
  | 'ticket_expired'
  | 'ticket_spent'
  | 'forbidden'
  | 'origin_forbidden'
  | 'subscriber_waiters_too_many'
  | 'address_waiters_too_many'
  | 'publish_too_fast'
  | 'tickets_too_fast'
  | 'operations_too_fast'
  | 'retractions_too_many'
  | 'publish_only'
  | 'publish_incomplete'
  | 'owned_topics_missing'
  | 'feed_unknown'
  | 'inspector_busy'
  | 'gap'
  | 'waiters_too_many'
  | 'draining'
  | 'store_unavailable';

/**
 * An error that this library reports. `code` is for programs. `message` explains the cause to
 * people.
 */
export class NotificationsError extends Error {
  override readonly name = 'NotificationsError';
  /** The time after which a retry may succeed, if known. */
  readonly retryAfterMs: number | undefined;
  /** The time over which the rejected clients spread their retries. */
  readonly spreadMs: number;

  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: { readonly cause?: unknown; readonly retryAfterMs?: number; readonly spreadMs?: number },
  ) {
    super(message, options);
    this.retryAfterMs = options?.retryAfterMs;
    this.spreadMs = options?.spreadMs ?? 0;
  }
}
