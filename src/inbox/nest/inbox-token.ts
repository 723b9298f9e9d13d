/** The inboxes of a feed: an `Inbox`, which the service and the controller share. */
export const INBOX = Symbol('nest-notifications inbox');
