/** The row of a new log. `?1` epoch's id, `?2` its secret. Of two processes that create one, the first wins. */
export const CREATE_LOG = `
INSERT INTO log (one, epoch_id, epoch_secret, file, head, trimmed, bytes)
VALUES (1, ?1, ?2, '', 0, 0, 0)
ON CONFLICT (one) DO NOTHING
`;
