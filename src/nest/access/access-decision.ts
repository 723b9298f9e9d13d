import { includesTopic } from '../../core/patterns.js';
import type { StoryAccess } from '../explaining/notification-story.js';
import type { AccessContext, MaybePromise } from './access.js';

/** The decision about one topic, and the rule that made it. */
export type AccessDecision = Pick<StoryAccess, 'allowed' | 'rule'>;

/** The rules of a feed, for one subscriber and one topic. */
export interface DecidingRules {
  readonly topic: string;
  readonly hasRead: boolean;
  readonly hasTopics: boolean;
  /** Whether the rule `requestFor` exists. */
  readonly hasRequest: boolean;
  contextFor(): MaybePromise<AccessContext | undefined>;
  read(context: AccessContext): MaybePromise<readonly string[]>;
  topics(context: AccessContext): MaybePromise<readonly string[]>;
  /** Receives the error of a failed rule, unless the rule needs the request that is missing. */
  onError(error: unknown): void;
}

/**
 * The decision of the rules for a subscriber without a request. If a rule reads the request and
 * there is no rule `requestFor`, the decision is unknown: with a request it may be another one.
 */
export async function decisionOf(rules: DecidingRules): Promise<AccessDecision> {
  const { topic, hasRead, hasTopics, hasRequest } = rules;
  const rule = hasRead || !hasTopics ? 'access.read' : 'access.topics';
  let watched: WatchedContext | undefined;
  try {
    const context = await rules.contextFor();
    if (!context) return { allowed: 'no', rule: 'access.requestFor' };
    watched = watchedContext(context);
    const names = await (rule === 'access.read' ? rules.read(watched.context) : rules.topics(watched.context));
    if (watched.readsRequest() && !hasRequest) return { allowed: 'unknown', rule };
    return { allowed: names.some((name) => includesTopic(name, topic)) ? 'yes' : 'no', rule };
  } catch (error) {
    if (hasRequest || !watched?.readsRequest()) rules.onError(error);
    return { allowed: 'unknown', rule };
  }
}

/** A context that records whether a rule reads the request. */
interface WatchedContext {
  readonly context: AccessContext;
  readonly readsRequest: () => boolean;
}

function watchedContext({ request, subscriber }: AccessContext): WatchedContext {
  let isRead = false;
  const context = {
    subscriber,
    get request(): unknown {
      isRead = true;
      return request;
    },
  };
  return { context, readsRequest: () => isRead };
}
