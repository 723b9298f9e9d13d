/** A new incarnation: `?1` epoch's id, `?2` its secret. Positions go on; what they meant before is no longer promised. */
export const RENEW_EPOCH = `
UPDATE log SET epoch_id = ?1, epoch_secret = ?2
`;
