/** What the module's providers share; see `Runtime`. */
export const RUNTIME = Symbol('nest-notifications runtime');
/** What the module was configured with, as it was given. */
export const OPTIONS = Symbol('nest-notifications options');
