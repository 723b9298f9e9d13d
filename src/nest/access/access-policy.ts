import { Logger } from '@nestjs/common';
import { NotificationsError } from '../../core/errors.js';
import { checkTopics } from '../../wire/request.js';
import { TopicPatterns } from '../../wire/topic-patterns.js';
import type { AccessContext, AccessRules, MaybePromise, PatternRules, TopicRule } from './access.js';
import { optionError, unknownOption } from '../options.js';

const RULES: readonly string[] = ['subscriber', 'requestFor', 'topics', 'read', 'publish', 'expiresAt'];
const TOPIC_RULES = ['read', 'publish'] as const;
const SUBSCRIBER_LENGTH_MAX = 200;

const NO_REQUEST =
  'An access rule failed for a subscriber without a request, so access is refused. Add the rule access.requestFor, which answers ' +
  'a stand-in for the request, or let the rule read only `subscriber`.';

const logger = new Logger('Notifications');

/** The topics of a read. */
export interface ReadScope {
  readonly topics: readonly string[];
  /** The request named none: they are the caller's own. */
  readonly areOwn: boolean;
}

/** The access rules, checked and ready to be asked. */
export class AccessPolicy {
  #rules: AccessRules = {};
  #topicRules: Readonly<Record<'read' | 'publish', 'public' | TopicRule | undefined>>;
  #hasReported = false;

  /** @throws Error that names the option and what is allowed */
  constructor(access: 'public' | AccessRules = {}) {
    this.#topicRules = { read: undefined, publish: undefined };
    this.use(access);
  }

  /**
   * Replaces the rules. Those of a class or a provider exist only when all modules are initialised;
   * until then nothing is allowed.
   * @throws Error that names the option and what is allowed
   */
  use(access: 'public' | AccessRules): void {
    const rules = access === 'public' ? { read: 'public' as const } : access;
    checkRules(rules);
    this.#rules = rules;
    this.#topicRules = { read: topicRule(rules, 'read'), publish: topicRule(rules, 'publish') };
  }

  /** Whether no rule restricts a read of named topics: everybody may read every topic. */
  get readIsPublic(): boolean {
    return this.#topicRules.read === 'public';
  }

  /** Whether a read of named topics needs no rule at all. */
  get asksNothing(): boolean {
    return this.readIsPublic && this.#rules.subscriber === undefined && this.#rules.expiresAt === undefined;
  }

  /** Whether a subscriber without a request may no longer exist. */
  get asksForRequests(): boolean {
    return this.#rules.requestFor !== undefined;
  }

  /** @throws TypeError for an invalid name, because limits and revocations would not find the subscriber */
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

  /** The context of a subscriber without a request; undefined if the subscriber no longer exists. */
  contextFor(subscriber: string): MaybePromise<AccessContext | undefined> {
    if (!this.#rules.requestFor) return { request: undefined, subscriber };
    const contextOf = (request: unknown): AccessContext | undefined =>
      request === undefined || request === null ? undefined : { request, subscriber };
    const request = this.#rules.requestFor(subscriber);
    return isThenable(request) ? Promise.resolve(request).then(contextOf) : contextOf(request);
  }

  /**
   * The time when the credentials of a request expire.
   * @throws TypeError for an invalid date: by mistake, the credentials would never expire
   */
  async expiresAt(context: AccessContext): Promise<Date | undefined> {
    const expiresAt = await this.#rules.expiresAt?.(context);
    if (expiresAt && Number.isNaN(expiresAt.getTime())) {
      throw new TypeError('access.expiresAt must answer a valid Date or undefined');
    }
    return expiresAt;
  }

  /** The same for a subscriber without a request. Undefined if the rule needs one: the ticket has the end that it got at first. */
  async expiresAtWithoutRequest(context: AccessContext): Promise<Date | undefined> {
    try {
      return await this.expiresAt(context);
    } catch {
      return undefined;
    }
  }

  /**
   * The topics of a request: those that it names, or the caller's own. A rule `read` must allow both kinds.
   * @throws NotificationsError `forbidden`, or that a topic is invalid
   */
  async scopeOf(context: AccessContext, named: readonly string[] | undefined, topicsMax: number): Promise<ReadScope> {
    const topics = named ?? checkTopics((await this.#rules.topics?.(context)) ?? [], topicsMax);
    if (named || this.#topicRules.read) await this.assertAllowed('read', context, topics);
    return { topics, areOwn: !named };
  }

  /** @throws NotificationsError `forbidden`, also if a rule fails without a request */
  async assertReadable(context: AccessContext, scope: ReadScope): Promise<void> {
    const readable = await this.readable(context, scope);
    if (readable.length < scope.topics.length) throw forbidden();
  }

  /**
   * The topics of a scope that may be read now. A rule that throws a TypeError without a request has probably read the request: it
   * allows nothing, and the reason is logged once. Other errors are passed on.
   */
  readable(context: AccessContext, scope: ReadScope): MaybePromise<readonly string[]> {
    if (context.request !== undefined) return this.#readable(context, scope);
    const refuse = (error: unknown): readonly string[] => {
      if (!(error instanceof TypeError)) throw error;
      if (!this.#hasReported) logger.error(NO_REQUEST, error.stack);
      this.#hasReported = true;
      return [];
    };
    try {
      const readable = this.#readable(context, scope);
      return isThenable(readable) ? Promise.resolve(readable).catch(refuse) : readable;
    } catch (error) {
      return refuse(error);
    }
  }

  #readable(context: AccessContext, { topics, areOwn }: ReadScope): MaybePromise<readonly string[]> {
    if (!areOwn) return this.allowed('read', context, topics);
    const rules = [
      () => this.#rules.topics?.(context) ?? [],
      () => (this.#topicRules.read ? this.allowed('read', context, topics) : topics),
    ];
    return after(askAll(rules), ([own, allowed]) =>
      topics.filter((topic) => own?.includes(topic) && allowed?.includes(topic)),
    );
  }

  /**
   * The topics that are allowed. Every topic is asked about, whatever the other answers are, so that neither the message nor the time of
   * a refusal reveals the topic that is refused.
   */
  allowed(
    action: 'read' | 'publish',
    context: AccessContext,
    topics: readonly string[],
  ): MaybePromise<readonly string[]> {
    const rule = this.#topicRules[action];
    if (rule === 'public') return topics;
    if (!rule) return [];
    const answers = askAll<unknown>(topics.map((topic) => () => rule(context, topic)));
    // Any answer but `true` is a no: a rule that returns a record by mistake must not open the feed.
    return after(answers, (results) => topics.filter((_, at) => results[at] === true));
  }

  /**
   * Checks that every topic is allowed. Unknown and forbidden topics are refused in the same words, which name none of them.
   * @throws NotificationsError `forbidden`
   */
  async assertAllowed(action: 'read' | 'publish', context: AccessContext, topics: readonly string[]): Promise<void> {
    const possible = this.#topicRules[action] !== undefined;
    const allowed = await this.allowed(action, context, topics);
    if (!possible || allowed.length < topics.length) throw forbidden();
  }
}

function forbidden(): NotificationsError {
  return new NotificationsError('forbidden', 'Access to the topics is refused.');
}

/**
 * Asks all rules, also after one has thrown: a promise of another one that rejects later would be left unhandled, and end the
 * process. The answers are there at once if no rule needs time.
 */
function askAll<T>(rules: readonly (() => MaybePromise<T>)[]): MaybePromise<readonly T[]> {
  const answers = rules.map((rule): MaybePromise<T> => {
    try {
      return rule();
    } catch (error) {
      return Promise.reject(error as Error);
    }
  });
  return answers.some(isThenable) ? Promise.all(answers) : (answers as readonly T[]);
}

function after<T, R>(value: MaybePromise<T>, next: (value: T) => R): MaybePromise<R> {
  return isThenable(value) ? Promise.resolve(value).then(next) : next(value as T);
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
