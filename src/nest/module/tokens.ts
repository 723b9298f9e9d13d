/** What the module's providers share: a `ReadContext`, or a `PublishContext` with `publishOnly`. */
export const CONTEXT = Symbol('nest-notifications runtime');
/** Name, routes and controllers of the feed: a `FeedDefinition`. */
export const FEED = Symbol('nest-notifications feed');
/** What the module was configured with, as it was given. */
export const OPTIONS = Symbol('nest-notifications options');
/** The client as a file that is served; see `ClientFile`. */
export const CLIENT_FILES = Symbol('nest-notifications client files');
