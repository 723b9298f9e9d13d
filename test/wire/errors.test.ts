import { expect, test } from '@jest/globals';
import { type ErrorCode, NotificationsError } from '../../src/core/errors.js';
import { STATUS_OF } from '../../src/wire/errors.js';

/**
 * Written down once more: a status is part of the protocol, and a new code has to be decided here
 * too.
 */
const EXPECTED: Record<ErrorCode, number> = {
  topic_missing: 400,
  topic_invalid: 400,
  topics_too_many: 400,
  pattern_undeclared: 400,
  cursor_invalid: 400,
  before_invalid: 400,
  query_invalid: 400,
  wait_invalid: 400,
  limit_invalid: 400,
  not_acceptable: 406,
  id_reused: 409,
  inbox_full: 409,
  body_invalid: 400,
  body_too_large: 413,
  media_type_unsupported: 415,
  type_invalid: 400,
  id_invalid: 400,
  data_invalid: 400,
  option_invalid: 400,
  status_invalid: 400,
  subscriber_invalid: 400,
  notification_too_large: 413,
  notifications_too_many: 400,
  ticket_invalid: 401,
  ticket_expired: 401,
  ticket_spent: 401,
  forbidden: 403,
  origin_forbidden: 403,
  subscriber_waiters_too_many: 429,
  address_waiters_too_many: 429,
  publish_too_fast: 429,
  tickets_too_fast: 429,
  publish_incomplete: 500,
  operations_too_fast: 429,
  retractions_too_many: 429,
  publish_only: 501,
  owned_topics_missing: 501,
  feed_unknown: 404,
  inspector_busy: 429,
  gap: 410,
  waiters_too_many: 503,
  draining: 503,
  store_unavailable: 503,
};

test('every error has a status', () => {
  expect(STATUS_OF).toEqual(EXPECTED);
});

test('an error has a code for programs, a message for people and a cause for operators', () => {
  const cause = new Error('connection refused');
  const error = new NotificationsError('store_unavailable', 'the log cannot be reached', { cause });
  expect(error).toMatchObject({ name: 'NotificationsError', code: 'store_unavailable', cause });
  expect(error.message).toBe('the log cannot be reached');
});
