/** A new incarnation: `?1` epoch's id, `?2` its secret. Positions continue. */
export const RENEW_EPOCH = `
UPDATE log SET epoch_id = ?1, epoch_secret = ?2
`;

/** A renewal writes all past epochs again, because a loss changes the older ones too. */
export const REMOVE_PAST_EPOCHS = `
DELETE FROM past_epochs
`;

/**
 * `?1` number from the newest on, `?2` id, `?3` secret, `?4` the last position that is shared, `?5`
 * 1 if entries are lost.
 */
export const ADD_PAST_EPOCH = `
INSERT INTO past_epochs (number, id, secret, up_to, lost) VALUES (?1, ?2, ?3, ?4, ?5)
`;
