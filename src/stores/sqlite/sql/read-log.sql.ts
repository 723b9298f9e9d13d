/**
 * The state of the log; it belongs together with what is read in the same transaction. `?1` is the
 * epoch whose past epochs the reader knows: they are read only when the epoch has changed.
 */
export const READ_LOG = `
SELECT epoch_id AS epochId, epoch_secret AS epochSecret, file, head, trimmed, bytes,
  records, record_bytes AS recordBytes,
  claims, claims_held AS claimsHeld,
  CASE WHEN epoch_id <> ?1 THEN (
    SELECT json_group_array(json_object('id', id, 'secret', secret, 'upTo', up_to, 'lost', lost))
    FROM (SELECT * FROM past_epochs ORDER BY number)
  ) END AS past
FROM log
`;
