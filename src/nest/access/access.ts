import type { Type } from '@nestjs/common';
import type { TopicParams } from '../../wire/topic-patterns.js';

/** The input of access rules. They run after the guards, so the request has its `user`. */
export interface AccessContext<Request = unknown> {
  /**
   * The framework's request: Express's or Fastify's. Rules also run for a subscriber whose request
   * has ended, for example with a ticket. For such a subscriber, `request` is the return value of
   * the rule `requestFor`. Without that rule it is undefined, despite its type.
   */
  readonly request: Request;
  /**
   * The return value of the rule `subscriber`; undefined for a caller without a subscriber. With a
   * ticket, it is the subscriber in the ticket.
   */
  readonly subscriber: string | undefined;
}

export type MaybePromise<T> = T | Promise<T>;

/** The input of the rule `retract`. */
export interface RetractContext<Request = unknown> extends AccessContext<Request> {
  /**
   * The id of the notification to retract. The log does not always have a notification with this
   * id.
   */
  readonly id: string;
}

/** Whether the caller may use a topic. */
export type TopicRule<Request = unknown, Context = AccessContext<Request>> = (
  context: Context,
  topic: string,
) => MaybePromise<boolean>;

/**
 * Rules by pattern: `user.:id`, `org.:org.*`. A parameter matches one segment between dots. `*` at
 * the end matches one segment or more. The most specific pattern decides. A literal segment is more
 * specific than a parameter, and a parameter is more specific than `*`. Access to a topic that
 * matches no pattern is refused.
 */
export type PatternRules<Request = unknown, Context = AccessContext<Request>> = Readonly<
  Record<string, true | ((context: Context, params: TopicParams) => MaybePromise<boolean>)>
>;

/**
 * The access rules. Access without a rule is refused. If a rule throws an `HttpException`, the
 * client receives it. Rules for reading run when a request arrives and before every delivery, in
 * the async context (`AsyncLocalStorage`) of the request.
 */
export interface AccessRules<Request = unknown> {
  /**
   * Returns the caller's subscriber, or undefined for a caller without one. A subscriber is a text
   * of 1 to 200 characters of valid Unicode.
   * `revoke` and limits per subscriber use it. This rule runs first. It does not run for tickets,
   * because they contain their subscriber.
   */
  subscriber?(context: Pick<AccessContext<Request>, 'request'>): MaybePromise<string | undefined>;
  /**
   * Returns a substitute for the request of a subscriber whose request has ended. It is an object
   * with the parts that the other rules read, for example `{ user }`. They receive this object as
   * `request`. This rule runs when a ticket is used, and before every delivery to its stream.
   *
   * If it returns undefined or null, the subscriber no longer exists and access is refused. Without
   * this rule, `request` is undefined for tickets. If another rule throws because `request` is
   * undefined, access is refused.
   */
  requestFor?(subscriber: string): MaybePromise<Request | undefined | null>;
  /**
   * Returns the caller's own topics. A request without topics reads them. If there is a rule
   * `read`, it must allow them too; otherwise the request is rejected. Without a rule `read`, the
   * caller can read these topics only with requests that name no topics.
   */
  topics?(context: AccessContext<Request>): MaybePromise<readonly string[]>;
  /**
   * Returns the topics that belong to one subscriber alone, such as `['user.42']`.
   * `service.erase({ subscriber })` erases everything in them, so never return a topic that other
   * subscribers also use. At most 10,000. No request uses this rule.
   */
  ownedTopics?(subscriber: string): MaybePromise<readonly string[]>;
  /**
   * The topics that the caller may read: named topics and the caller's own topics. `'public'`
   * allows every caller to read every topic. A rule runs on every request, and before every
   * delivery.
   */
  read?: 'public' | TopicRule<Request> | PatternRules<Request> | undefined;
  /**
   * The topics that the caller may publish to over HTTP. `'public'` allows every caller to publish
   * to every topic. Without a rule `publish`, every `POST` is rejected. The rule does not apply to
   * the application's own calls of `publish`.
   */
  publish?: 'public' | TopicRule<Request> | PatternRules<Request> | undefined;
  /**
   * The topics on which the caller may retract notifications over HTTP. The rule also receives the
   * id of the notification, as `id` of its context. `'public'` allows every caller to retract on
   * every topic. Without a rule `retract`, every `DELETE` is rejected. The rule does not apply to
   * the application's own calls of `retract`.
   */
  retract?:
    'public' | TopicRule<Request, RetractContext<Request>> | PatternRules<Request, RetractContext<Request>> | undefined;
  /**
   * Returns the time when the caller's credentials expire, or undefined if they do not expire.
   * Polls, streams and tickets end at that time. The rule runs again when a ticket is used. If it
   * fails without the request, the time that is stored in the ticket applies.
   */
  expiresAt?(context: AccessContext<Request>): MaybePromise<Date | undefined>;
}

/** `any` accepts rules that declare the type of their own request. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type AnyRules = AccessRules<any>;

/**
 * A provider of rules. Its tokens are resolved in the modules of `imports`, in global modules, and
 * in this module.
 */
export type AccessProvider =
  | { readonly useExisting: Type<AnyRules> | string | symbol }
  | { readonly useClass: Type<AnyRules> }
  | {
      readonly useFactory: (...dependencies: never[]) => MaybePromise<AnyRules>;
      readonly inject?: readonly (Type | string | symbol)[] | undefined;
    };

/**
 * `'public'` allows every caller to read every topic, and no caller to publish over HTTP. Other
 * values are rules: an object, a class that Nest creates with its dependencies, or a provider.
 */
export type Access = 'public' | AnyRules | Type<AnyRules> | AccessProvider;

/** True if Nest creates the rules when the application starts. */
export function isProvided(access: Access | undefined): access is Type<AccessRules> | AccessProvider {
  if (typeof access === 'function') return true;
  return (
    typeof access === 'object' &&
    (access as unknown) !== null &&
    ['useClass', 'useExisting', 'useFactory'].some((name) => name in access)
  );
}
