/** `?1` identity of the file, so that the next opening knows whether it is still this one. */
export const SET_FILE = `
UPDATE log SET file = ?1
`;
