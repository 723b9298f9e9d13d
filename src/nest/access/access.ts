import type { Type } from '@nestjs/common';
import type { TopicParams } from '../../wire/topic-patterns.js';

/** The input of access rules. They run after the guards, so the request has its `user`. */
export interface AccessContext<Request = unknown> {
  /**
   * The framework's request: Express's or Fastify's. Rules are also asked for a subscriber whose request has ended, as with a
   * ticket. Then it is the answer of the rule `requestFor`. Without that rule it is undefined, whatever its type says.
   */
  readonly request: Request;
  /** The subscriber, as the rule `subscriber` answers; undefined for a caller without one. A ticket names its subscriber. */
  readonly subscriber: string | undefined;
}

export type MaybePromise<T> = T | Promise<T>;

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

/**
 * Rules of access. Access without a rule is refused. A rule that throws an `HttpException` answers with it. Rules that read run
 * when a request arrives and before every delivery, in the async context (`AsyncLocalStorage`) of the request.
 */
export interface AccessRules<Request = unknown> {
  /**
   * The subscriber that the caller is: 1 to 200 characters, or undefined for a caller without one. `revoke` and limits per
   * subscriber use it. It is asked first, and not for tickets, which name their subscriber.
   */
  subscriber?(context: Pick<AccessContext<Request>, 'request'>): MaybePromise<string | undefined>;
  /**
   * A stand-in for the request of a subscriber whose request has ended: an object with the parts that the other rules read, for
   * example `{ user }`. The other rules get it as `request`. It is asked when a ticket is used, and before every delivery to its stream. Undefined or null:
   * the subscriber no longer exists, and access is refused. Without this rule, `request` is undefined for tickets, and a rule
   * that throws because of that refuses access.
   */
  requestFor?(subscriber: string): MaybePromise<Request | undefined | null>;
  /**
   * The caller's own topics: the topics of a request that names none. If there is a rule `read`, it must allow them too; otherwise the
   * request is refused. If there is none, `topics` alone lets the caller read these topics, with requests that name none.
   */
  topics?(context: AccessContext<Request>): MaybePromise<readonly string[]>;
  /**
   * The topics that the caller may read; `'public'`: everybody may read every topic. It decides about named and own topics
   * alike. A rule is asked on every request, and again before every delivery.
   */
  read?: 'public' | TopicRule<Request> | PatternRules<Request> | undefined;
  /**
   * Which topics the caller may publish to over HTTP; `'public'`: everybody may. Left out, `POST` is refused. In-process
   * `publish` is not asked.
   */
  publish?: 'public' | TopicRule<Request> | PatternRules<Request> | undefined;
  /**
   * The time when the caller's credentials expire: polls, streams and tickets end then. Undefined: they do not expire. It is asked
   * again when a ticket is used; if it cannot answer without the request, the time that it gave for the ticket holds.
   */
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
      readonly inject?: readonly (Type | string | symbol)[] | undefined;
    };

/**
 * `'public'`: everybody may read everything, nobody may publish over HTTP. Otherwise rules: an object, a class that Nest makes with
 * what it injects, or a provider.
 */
export type Access = 'public' | AnyRules | Type<AnyRules> | AccessProvider;

/** Whether rules have to be made by Nest, when the application starts. */
export function isProvided(access: Access | undefined): access is Type<AccessRules> | AccessProvider {
  if (typeof access === 'function') return true;
  return (
    typeof access === 'object' &&
    (access as unknown) !== null &&
    ['useClass', 'useExisting', 'useFactory'].some((name) => name in access)
  );
}
