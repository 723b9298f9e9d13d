import { NotificationsError } from '../core/errors.js';
import { optionError } from './options.js';

/** What access rules know of a request. They run after the guards, so `request.user` and the like are there. */
export interface AccessContext<Request = unknown> {
  /** The framework's request: Express's or Fastify's. */
  readonly request: Request;
}

type MaybePromise<T> = T | Promise<T>;

/** Rules of access. What is left out is refused. A rule that throws an `HttpException` answers with it. */
export interface AccessRules<Request = unknown> {
  /** The caller's own topics, for requests that name none. */
  topics?(context: AccessContext<Request>): MaybePromise<readonly string[]>;
  /** Whether the caller may read a topic; `'public'`: everybody may read every topic. */
  read?: 'public' | ((context: AccessContext<Request>, topic: string) => MaybePromise<boolean>);
  /**
   * Whether the caller may publish to a topic over HTTP; `'public'`: everybody may. Left out, `POST` is refused. In-process
   * `publish` is not asked.
   */
  publish?: 'public' | ((context: AccessContext<Request>, topic: string) => MaybePromise<boolean>);
  /** When the caller's credentials expire: polls and streams end then. Undefined: they do not. */
  expiresAt?(context: AccessContext<Request>): MaybePromise<Date | undefined>;
}

/** `'public'`: everybody may read everything, nobody may publish over HTTP. Otherwise rules. */
// A rule may know its request's type better than the module does, which is what `any` lets it.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Access = 'public' | AccessRules<any>;

const RULES: readonly string[] = ['topics', 'read', 'publish', 'expiresAt'];

/**
 * The rules behind the `access` option; nothing configured is no rule, and so nothing is allowed.
 * @throws Error that names the option and what is allowed
 */
export function resolveAccess(access: Access | undefined): AccessRules {
  if (access === undefined) return {};
  if (access === 'public') return { read: 'public' };
  if (typeof access !== 'object' || (access as unknown) === null) {
    throw optionError('access', access, `must be 'public' or an object with ${RULES.join(', ')}`);
  }
  for (const name of RULES) {
    const rule = (access as Record<string, unknown>)[name];
    const word = rule === 'public' && (name === 'read' || name === 'publish');
    if (rule !== undefined && typeof rule !== 'function' && !word) {
      throw optionError(`access.${name}`, rule, 'must be a function');
    }
  }
  const isLiteral = Object.getPrototypeOf(access) === Object.prototype;
  const unknown = Object.keys(access).find((name) => !RULES.includes(name));
  // A class may keep what it likes beside its rules; in a literal it is a typing error.
  if (isLiteral && unknown !== undefined)
    throw optionError(`access.${unknown}`, (access as Record<string, unknown>)[unknown], 'is unknown');
  return access;
}

/**
 * Checks that every topic is allowed. Unknown and forbidden topics are refused in the same words, which name none of them.
 * @throws NotificationsError `forbidden`
 */
export async function assertAllowed(
  rules: AccessRules,
  action: 'read' | 'publish',
  { context, topics }: { context: AccessContext; topics: readonly string[] },
): Promise<void> {
  const rule = rules[action];
  if (rule === 'public') return;
  if (rule !== undefined) {
    const answers = await Promise.all(topics.map(async (topic): Promise<unknown> => rule.call(rules, context, topic)));
    // Anything but a plain yes is a no: a rule that returns a record by mistake must not open the feed.
    if (answers.every((answer) => answer === true)) return;
  }
  throw new NotificationsError('forbidden', 'Access to the topics is refused.');
}
