import { channelOf, quoted } from './names.js';

/** Bounds topics and ids. The library rejects longer values, and the index can hold this length. */
const NAME_BYTES_MAX = 1000;

/**
 * If the cluster's notification queue is fuller than this, no wake-up is sent. A full queue would
 * fail the transaction.
 */
export const QUEUE_USAGE_MAX = 0.5;

/**
 * Publishes inside a transaction of the application. `drafts` is a JSON array of objects with id,
 * topic and json, all text. The drafts become visible, and the wake-up is sent, if and only if the
 * transaction commits. No other publisher waits for the transaction. A draft that could not be
 * moved into the log later is rejected here, where the caller can still react.
 *
 * The function returns the number of drafts, because some libraries cannot read a column of type
 * void.
 */
export function publishFunction(schema: string): string {
  const s = quoted(schema);
  return `
CREATE FUNCTION ${s}.publish(drafts text) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM json_array_elements(drafts::json) d
    WHERE coalesce(octet_length(d ->> 'id') NOT BETWEEN 1 AND ${NAME_BYTES_MAX}, true)
      OR coalesce(octet_length(d ->> 'topic') NOT BETWEEN 1 AND ${NAME_BYTES_MAX}, true)
      OR (d ->> 'json') IS NULL
  ) THEN
    RAISE EXCEPTION 'a notification to publish needs id, topic and json' USING ERRCODE = '22023';
  END IF;
  INSERT INTO ${s}.outbox (drafts, bytes) VALUES (publish.drafts::json, octet_length(publish.drafts));
  IF pg_notification_queue_usage() < ${QUEUE_USAGE_MAX} THEN
    PERFORM pg_notify('${channelOf(schema)}', '');
  END IF;
  RETURN json_array_length(publish.drafts::json);
END $$;
`;
}

/**
 * Replaces an older function that returned void. PostgreSQL cannot change the type of a result, so
 * the old function is dropped.
 */
export function replacePublishFunction(schema: string): string {
  return `DROP FUNCTION ${quoted(schema)}.publish(text);${publishFunction(schema)}`;
}
