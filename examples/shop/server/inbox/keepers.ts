/** The recipient of items for all keepers. Each keeper has a state of their own. */
export const KEEPERS = { topic: 'keepers' } as const;
