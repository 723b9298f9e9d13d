/** What the module's providers share; see `Runtime`. */
export const RUNTIME = Symbol('nest-notifications runtime');
/** The path of the built-in controller, without slashes around it. */
export const PATH = Symbol('nest-notifications path');
