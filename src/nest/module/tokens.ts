/**
 * The shared parts of the module's providers: a `ReadContext`, or a `PublishContext` with
 * `publishOnly`.
 */
export const CONTEXT = Symbol('nest-notifications context');
/** Name, routes and controllers of the feed: a `FeedDefinition`. */
export const FEED = Symbol('nest-notifications feed');
/** The direct lane: a `DirectLane`, or undefined while it is off. */
export const DIRECT_LANE = Symbol('nest-notifications direct lane');
/** The options of the module, unchanged. */
export const OPTIONS = Symbol('nest-notifications options');
/** The scripts of the client; see `ClientFiles`. */
export const CLIENT_FILES = Symbol('nest-notifications client files');
/** An observer of the feed, which a capability provides. Undefined without one. */
export const OBSERVER = Symbol('nest-notifications observer');
