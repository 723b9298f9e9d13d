import type { Type } from '@nestjs/common';
import { NotificationsError } from '../core/errors.js';
import { type TopicParams, TopicPatterns } from '../wire/topic-patterns.js';
import { optionError, unknownOption } from './options.js';

/** What access rules know of a request. They run after the guards, so `request.user` and the like are there. */
export interface AccessContext<Request = unknown> {
  /** The framework's request: Express's or Fastify's. */
  readonly request: Request;
  /** Who asks, as the rule `subscriber` says; undefined: nobody in particular. */
  readonly subscriber: string | undefined;
}

type MaybePromise<T> = T | Promise<T>;

/** Whether the caller may use a topic. */
export type TopicRule<Request = unknown> = (context: AccessContext<Request>, topic: string) => MaybePromise<boolean>;

/**
 * Rules by pattern: `user.:id`, `org.:org.*`. A parameter stands for one segment between dots, `*` at the end for any number, one
 * at least. The most specific pattern decides: a literal segment before a parameter, a parameter before `*`. A topic that no
 * pattern matches is refused.
 */
export type PatternRules<Request = unknown> = Readonly<
  Record<string, true | ((context: AccessContext<Request>, params: TopicParams) => MaybePromise<boolean>)>
>;

/** Rules of access. What is left out is refused. A rule that throws an `HttpException` answers with it. */
export interface AccessRules<Request = unknown> {
  /**
   * Who the caller is: 1 to 200 characters, undefined for nobody in particular. `revoke` and limits per subscriber go by it. It is
   * asked first.
   */
  subscriber?(context: Pick<AccessContext<Request>, 'request'>): MaybePromise<string | undefined>;
  /** The caller's own topics, for requests that name none. */
  topics?(context: AccessContext<Request>): MaybePromise<readonly string[]>;
  /**
   * Which topics the caller may read; `'public'`: everybody may read every topic. A rule is asked on every request, and again
   * whenever there are notifications to hand over.
   */
  read?: 'public' | TopicRule<Request> | PatternRules<Request>;
  /**
   * Which topics the caller may publish to over HTTP; `'public'`: everybody may. Left out, `POST` is refused. In-process
   * `publish` is not asked.
   */
  publish?: 'public' | TopicRule<Request> | PatternRules<Request>;
  /** When the caller's credentials expire: polls and streams end then. Undefined: they do not. */
  expiresAt?(context: AccessContext<Request>): MaybePromise<Date | undefined>;
}

/** Rules may know their request's type better than the module does, which is what `any` lets them. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type AnyRules = AccessRules<any>;

/** A provider of rules; its tokens are found in the modules given as `imports`, in global ones, and in this one. */
export type AccessProvider =
  | { readonly useExisting: Type<AnyRules> | string | symbol }
  | { readonly useClass: Type<AnyRules> }
  | {
      readonly useFactory: (...dependencies: never[]) => MaybePromise<AnyRules>;
      readonly inject?: readonly (Type | string | symbol)[];
    };

/**
 * `'public'`: everybody may read everything, nobody may publish over HTTP. Otherwise rules: an object, a class that Nest makes with
 * what it injects, or a provider.
 */
export type Access = 'public' | AnyRules | Type<AnyRules> | AccessProvider;

const RULES: readonly string[] = ['subscriber', 'topics', 'read', 'publish', 'expiresAt'];
const TOPIC_RULES = ['read', 'publish'] as const;
const SUBSCRIBER_LENGTH_MAX = 200;

/** Who may do what: the rules, made ready. */
export class AccessPolicy {
  readonly #rules: AccessRules;
  readonly #topicRules: Readonly<Record<'read' | 'publish', 'public' | TopicRule | undefined>>;

  /** @throws Error that names the option and what is allowed */
  constructor(access: 'public' | AccessRules = {}) {
    const rules = access === 'public' ? { read: 'public' as const } : access;
    checkRules(rules);
    this.#rules = rules;
    this.#topicRules = { read: topicRule(rules, 'read'), publish: topicRule(rules, 'publish') };
  }

  /** Whether everybody may read everything. */
  get readIsPublic(): boolean {
    return this.#topicRules.read === 'public';
  }

  /** Whether besides that no rule wants to know of a read that names its topics. */
  get asksNothing(): boolean {
    return this.readIsPublic && this.#rules.subscriber === undefined && this.#rules.expiresAt === undefined;
  }

  /** @throws TypeError for what is no name: a limit or a revocation that goes by it would miss its mark */
  async context(request: unknown): Promise<AccessContext> {
    const subscriber: unknown = await this.#rules.subscriber?.({ request });
    if (subscriber === undefined) return { request, subscriber };
    if (typeof subscriber !== 'string' || subscriber === '' || subscriber.length > SUBSCRIBER_LENGTH_MAX) {
      throw new TypeError(
        `access.subscriber must answer a text of 1 to ${SUBSCRIBER_LENGTH_MAX} characters or undefined`,
      );
    }
    return { request, subscriber };
  }

  async ownTopics(context: AccessContext): Promise<readonly string[]> {
    return (await this.#rules.topics?.(context)) ?? [];
  }

  async expiresAt(context: AccessContext): Promise<Date | undefined> {
    return this.#rules.expiresAt?.(context);
  }

  /**
   * Those of the topics that are allowed. Every topic is asked for, whatever the others' answers are, so that neither the words nor
   * the time of a refusal tell which one it is about.
   */
  allowed(
    action: 'read' | 'publish',
    context: AccessContext,
    topics: readonly string[],
  ): readonly string[] | Promise<readonly string[]> {
    const rule = this.#topicRules[action];
    if (rule === 'public') return topics;
    if (!rule) return [];
    const answers = topics.map((topic): unknown => rule(context, topic));
    // Anything but a plain yes is a no: a rule that returns a record by mistake must not open the feed.
    const granted = (results: readonly unknown[]): readonly string[] => topics.filter((_, at) => results[at] === true);
    return answers.some(isThenable) ? Promise.all(answers).then(granted) : granted(answers);
  }

  /**
   * Checks that every topic is allowed. Unknown and forbidden topics are refused in the same words, which name none of them.
   * @throws NotificationsError `forbidden`
   */
  async assertAllowed(action: 'read' | 'publish', context: AccessContext, topics: readonly string[]): Promise<void> {
    const possible = this.#topicRules[action] !== undefined;
    const allowed = await this.allowed(action, context, topics);
    if (!possible || allowed.length < topics.length) {
      throw new NotificationsError('forbidden', 'Access to the topics is refused.');
    }
  }
}

/** Whether rules have to be made by Nest, when the application starts. */
export function isProvided(access: Access | undefined): access is Type<AccessRules> | AccessProvider {
  if (typeof access === 'function') return true;
  return (
    typeof access === 'object' &&
    (access as unknown) !== null &&
    ['useClass', 'useExisting', 'useFactory'].some((name) => name in access)
  );
}

function checkRules(rules: AccessRules): void {
  if (typeof rules !== 'object' || (rules as unknown) === null) {
    throw optionError('access', rules, `must be 'public', a class, a provider, or an object with ${RULES.join(', ')}`);
  }
  for (const name of RULES) {
    const rule = (rules as Record<string, unknown>)[name];
    const byTopic = name === 'read' || name === 'publish';
    const allowed = byTopic ? rule === 'public' || (typeof rule === 'object' && rule !== null) : false;
    if (rule !== undefined && typeof rule !== 'function' && !allowed) {
      throw optionError(
        `access.${name}`,
        rule,
        byTopic ? "must be 'public', a function or patterns" : 'must be a function',
      );
    }
  }
  const isLiteral = Object.getPrototypeOf(rules) === Object.prototype;
  const unknown = Object.keys(rules).find((name) => !RULES.includes(name));
  // A class may keep what it likes beside its rules; in a literal it is a typing error.
  if (isLiteral && unknown !== undefined) throw unknownOption(`access.${unknown}`);
}

function topicRule(rules: AccessRules, name: (typeof TOPIC_RULES)[number]): 'public' | TopicRule | undefined {
  const rule = rules[name];
  if (rule === undefined || rule === 'public') return rule;
  if (typeof rule === 'function') return rule.bind(rules);
  for (const [pattern, answer] of Object.entries(rule)) {
    if ((answer as unknown) === true || typeof answer === 'function') continue;
    throw optionError(`access.${name}[${JSON.stringify(pattern)}]`, answer, 'must be true or a function');
  }
  const patterns = compiled(name, rule);
  return (context, topic) => {
    const match = patterns.match(topic);
    if (!match) return false;
    return match.value === true || match.value(context, match.params);
  };
}

function compiled(name: string, rule: PatternRules): TopicPatterns<PatternRules[string]> {
  try {
    return new TopicPatterns(rule);
  } catch (error) {
    throw optionError(`access.${name}`, rule, `must have valid patterns: ${(error as Error).message}`);
  }
}

function isThenable(value: unknown): boolean {
  return typeof (value as PromiseLike<unknown> | undefined | null)?.then === 'function';
}
