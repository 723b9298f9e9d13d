/** What the module's providers share; see `Runtime`. */
export const RUNTIME = Symbol('nest-notifications runtime');
