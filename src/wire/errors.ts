import type { ErrorCode } from '../core/errors.js';

/** The HTTP status of every error (RFC 9110, RFC 6585). */
export const STATUS_OF: Record<ErrorCode, number> = {
  topic_missing: 400,
  topic_invalid: 400,
  topics_too_many: 400,
  cursor_invalid: 400,
  wait_invalid: 400,
  limit_invalid: 400,
  body_invalid: 400,
  type_invalid: 400,
  id_invalid: 400,
  data_invalid: 400,
  notifications_too_many: 400,
  forbidden: 403,
  not_acceptable: 406,
  body_too_large: 413,
  notification_too_large: 413,
  media_type_unsupported: 415,
  subscriber_waiters_too_many: 429,
  address_waiters_too_many: 429,
  publish_too_fast: 429,
  waiters_too_many: 503,
  draining: 503,
  store_unavailable: 503,
};
