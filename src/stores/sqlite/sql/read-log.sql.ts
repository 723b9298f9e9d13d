/** The state of the log; what stands on this row and what is read in the same transaction belong together. */
export const READ_LOG = `
SELECT epoch_id AS epochId, epoch_secret AS epochSecret, file, head, trimmed, bytes,
  records, record_bytes AS recordBytes,
  claims, claims_held AS claimsHeld
FROM log
`;
