import { Logger } from '@nestjs/common';
import { NotificationsError } from '../../core/errors.js';
import { isSubscriber, SUBSCRIBER_RULE } from '../../core/names.js';
import { includesTopic, isPattern } from '../../core/patterns.js';
import { checkTopics } from '../../wire/request.js';
import { TopicPatterns } from '../../wire/topic-patterns.js';
import { type AccessDecision, decisionOf } from './access-decision.js';
import type { AccessContext, AccessRules, MaybePromise, PatternRules, TopicRule } from './access.js';
import { errorDetail } from '../security/error-detail.js';
import { optionError, unknownOption } from '../settings.js';

const TOPIC_RULES = ['read', 'publish', 'retract'] as const;
const RULES: readonly string[] = ['subscriber', 'requestFor', 'topics', 'ownedTopics', ...TOPIC_RULES, 'expiresAt'];

/** An action on a topic that a rule allows. */
type TopicAction = (typeof TOPIC_RULES)[number];

const NO_REQUEST =
  'An access rule failed for a subscriber without a request, so access is refused. Add the rule access.requestFor, which returns ' +
  'a substitute for the request, or change the rule so that it reads only `subscriber`.';

const FAILED_EXPLAIN =
  'An access rule failed for `explain`, so the explanation cannot say whether the subscriber may read.';

const logger = new Logger('Notifications');

/** The bounds of the caller's own topics. */
export interface TopicBounds {
  readonly topicsMax: number;
  /** The declared patterns. */
  readonly patterns: readonly string[];
}

/** The topics of a read. */
export interface ReadScope {
  /** Topics and declared patterns. */
  readonly topics: readonly string[];
  /** True if the request named no topics, so these are the caller's own. */
  readonly areOwn: boolean;
}

/** The checked access rules of a feed. */
export class AccessPolicy {
  #rules: AccessRules = {};
  #topicRules: Readonly<Partial<Record<TopicAction, 'public' | TopicRule>>> = {};
  #hasReported = false;

  /** @throws Error that names the option and the allowed values */
  constructor(access: 'public' | AccessRules = {}) {
    this.use(access);
  }

  /**
   * Replaces the rules. The rules of a class or a provider exist only after all modules are
   * initialized; before that, nothing is allowed.
   * @throws Error that names the option and the allowed values
   */
  use(access: 'public' | AccessRules): void {
    const rules = access === 'public' ? { read: 'public' as const } : access;
    checkRules(rules);
    this.#rules = rules;
    const byTopic = TOPIC_RULES.map((name) => [name, topicRule(rules, name)] as const);
    this.#topicRules = Object.fromEntries(byTopic.filter(([, rule]) => rule !== undefined));
  }

  /** True if every caller may read every topic by name. */
  get readIsPublic(): boolean {
    return this.#topicRules.read === 'public';
  }

  /** True if no rule runs for a read of named topics. */
  get needsNoRules(): boolean {
    return this.readIsPublic && this.#rules.subscriber === undefined && this.#rules.expiresAt === undefined;
  }

  /** True if a rule can report that a subscriber no longer exists. */
  get checksSubscribers(): boolean {
    return this.#rules.requestFor !== undefined;
  }

  /**
   * @throws @throws TypeError for an invalid subscriber, because limits and revocations could not
   * use it
   */
  async context(request: unknown): Promise<AccessContext> {
    const subscriber: unknown = await this.#rules.subscriber?.({ request });
    if (subscriber === undefined) return { request, subscriber };
    if (!isSubscriber(subscriber)) {
      throw new TypeError(`access.subscriber must return a string of ${SUBSCRIBER_RULE}, or undefined`);
    }
    return { request, subscriber };
  }

  /**
   * The context of a subscriber without a request; undefined if the subscriber no longer exists.
   */
  contextFor(subscriber: string): MaybePromise<AccessContext | undefined> {
    if (!this.#rules.requestFor) return { request: undefined, subscriber };
    const contextOf = (request: unknown): AccessContext | undefined =>
      request === undefined || request === null ? undefined : { request, subscriber };
    const request = this.#rules.requestFor(subscriber);
    return isThenable(request) ? Promise.resolve(request).then(contextOf) : contextOf(request);
  }

  /** The topics that belong to a subscriber alone. Undefined if there is no rule for them. */
  async ownedTopics(subscriber: string): Promise<readonly string[] | undefined> {
    return this.#rules.ownedTopics?.(subscriber);
  }

  /**
   * The time when the credentials of a request expire.
   * @throws TypeError for an invalid date, because the credentials would never expire
   */
  async expiresAt(context: AccessContext): Promise<Date | undefined> {
    const expiresAt = await this.#rules.expiresAt?.(context);
    if (expiresAt && Number.isNaN(expiresAt.getTime())) {
      throw new TypeError('access.expiresAt must return a valid Date or undefined');
    }
    return expiresAt;
  }

  /**
   * Like `expiresAt`, for a subscriber without a request. Undefined if the rule needs the request;
   * then the expiry in the ticket applies.
   */
  async expiresAtWithoutRequest(context: AccessContext): Promise<Date | undefined> {
    try {
      return await this.expiresAt(context);
    } catch {
      return undefined;
    }
  }

  /**
   * The topics that the request names, or else the caller's own topics. The rule `read` must allow
   * them. Without this rule, named topics are refused and own topics are allowed.
   * @throws NotificationsError `forbidden`, or an error for an invalid topic
   */
  async scopeOf(
    context: AccessContext,
    named: readonly string[] | undefined,
    { topicsMax, patterns }: TopicBounds,
  ): Promise<ReadScope> {
    const topics = named ?? checkTopics((await this.#rules.topics?.(context)) ?? [], topicsMax, patterns);
    if (named || this.#topicRules.read) await this.assertAllowed('read', context, topics);
    return { topics, areOwn: !named };
  }

  /**
   * @throws @throws NotificationsError `forbidden`; also if a rule throws a TypeError because there
   * is no request
   */
  async assertReadable(context: AccessContext, scope: ReadScope): Promise<void> {
    const readable = await this.readable(context, scope);
    if (readable.length < scope.topics.length) throw forbidden();
  }

  /**
   * The topics of a scope that the caller may read now. If there is no request and a rule throws a
   * TypeError, the rule has probably read the request. The rule then allows nothing, and the error
   * is logged once. Other errors are rethrown.
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

  /** Decides for a subscriber without a request, and names the rule. For explanations only. */
  decisionFor(subscriber: string, topic: string): Promise<AccessDecision> {
    return decisionOf({
      topic,
      hasRead: this.#topicRules.read !== undefined,
      hasTopics: this.#rules.topics !== undefined,
      hasRequest: this.#rules.requestFor !== undefined,
      contextFor: () => this.contextFor(subscriber),
      read: (context) => this.allowed('read', context, [topic]),
      topics: (context) => this.#rules.topics?.(context) ?? [],
      onError: (error) => logger.error(FAILED_EXPLAIN, errorDetail(error)),
    });
  }

  #readable(context: AccessContext, { topics, areOwn }: ReadScope): MaybePromise<readonly string[]> {
    if (!areOwn) return this.allowed('read', context, topics);
    const rules = [
      () => this.#rules.topics?.(context) ?? [],
      () => (this.#topicRules.read ? this.allowed('read', context, topics) : topics),
    ];
    return after(runAll(rules), ([own, allowed]) =>
      topics.filter((topic) => own?.some((name) => includesTopic(name, topic)) && allowed?.includes(topic)),
    );
  }

  /**
   * The topics that are allowed. A declared pattern is allowed if there is a rule: the rule decides
   * about each notification later. The rule runs for every topic, even after it has refused one.
   * Neither the message nor the time of a refusal then reveals the refused topic.
   */
  allowed(action: TopicAction, context: AccessContext, topics: readonly string[]): MaybePromise<readonly string[]> {
    const rule = this.#topicRules[action];
    if (rule === 'public') return topics;
    if (!rule) return [];
    const isAllowedPattern = (name: string): boolean => action === 'read' && isPattern(name);
    const answers = runAll<unknown>(topics.map((topic) => () => isAllowedPattern(topic) || rule(context, topic)));
    // Only `true` allows access. A rule may return another truthy value by mistake, such as a
    // database record. Such a value must not allow access.
    return after(answers, (results) => topics.filter((_, at) => results[at] === true));
  }

  /**
   * Checks that every topic is allowed. The error is the same for unknown and forbidden topics, and
   * names no topic.
   * @throws NotificationsError `forbidden`
   */
  async assertAllowed(action: TopicAction, context: AccessContext, topics: readonly string[]): Promise<void> {
    const possible = this.#topicRules[action] !== undefined;
    const allowed = await this.allowed(action, context, topics);
    if (!possible || allowed.length < topics.length) throw forbidden();
  }
}

function forbidden(): NotificationsError {
  return new NotificationsError('forbidden', 'Access to the topics is refused.');
}

/**
 * Runs all rules, even after one has thrown. Otherwise a promise that rejects later would be
 * unhandled and end the process. Returns the results directly if all rules are synchronous.
 */
function runAll<T>(rules: readonly (() => MaybePromise<T>)[]): MaybePromise<readonly T[]> {
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
    throw optionError(
      'access',
      rules,
      `must be 'public', a class, a provider, or an object with one or more of: ${RULES.join(', ')}`,
    );
  }
  for (const name of RULES) {
    const rule = (rules as Record<string, unknown>)[name];
    const byTopic = (TOPIC_RULES as readonly string[]).includes(name);
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
  // A class may have other members. In an object literal, an unknown name is a mistake.
  if (isLiteral && unknown !== undefined) throw unknownOption(`access.${unknown}`);
}

/** The rule `retract` receives a `RetractContext`, because the guard passes one. */
function topicRule(rules: AccessRules, name: TopicAction): 'public' | TopicRule | undefined {
  const rule = rules[name] as AccessRules['read'];
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
