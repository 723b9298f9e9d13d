/** What the module's providers share; see `Runtime`. */
export const RUNTIME = Symbol('nest-notifications runtime');
/** The class of the mounted controller; undefined without one. */
export const CONTROLLER = Symbol('nest-notifications controller');
/** What the module was configured with, as it was given. */
export const OPTIONS = Symbol('nest-notifications options');
/** The client as a file that is served; see `ClientFile`. */
export const CLIENT_FILE = Symbol('nest-notifications client file');
