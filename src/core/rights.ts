import type { LogPage } from './page.js';
import { isPattern } from './patterns.js';

/** The current access rules of a request. They are checked before each delivery. */
export interface Rights {
  /**
   * Returns the topics of the list that the subscriber may read now. Synchronous rules return an
   * array. A promise delays the page until it resolves.
   */
  allowed(topics: readonly string[]): readonly string[] | Promise<readonly string[]>;
}

/** Receives the result of a check. */
export interface RightsCallback {
  allowed(topics: readonly string[]): void;
  failed(error: unknown): void;
}

/** Checks rights and calls back, synchronously if the rules return an array. */
export function checkRights(rights: Rights, topics: readonly string[], callback: RightsCallback): void {
  const failed = (error: unknown): void => {
    callback.failed(error);
  };
  let allowed: readonly string[] | Promise<readonly string[]>;
  try {
    allowed = rights.allowed(topics);
  } catch (error) {
    failed(error);
    return;
  }
  if (!(allowed instanceof Promise)) callback.allowed(allowed);
  else {
    allowed.then((answer) => {
      callback.allowed(answer);
    }, failed);
  }
}

/** Receives the result of a page's check. */
export interface PageRightsCallback {
  /** The page without the notifications that the access rules reject. */
  allowed(page: LogPage): void;
  /** The subscriber may no longer read one of the topics that the request names. */
  revoked(): void;
  failed(error: unknown): void;
}

/** A page that is checked for a request. */
export interface CheckedPage {
  readonly page: LogPage;
  readonly rights: Rights;
  /** The topics and patterns of the request. */
  readonly names: readonly string[];
}

/**
 * Checks the rules for the topics on a page: access may have changed during the wait. A pattern may
 * match topics that the subscriber may not read, so their notifications are left out. If the rules
 * reject a topic that the request names, the request ends.
 */
export function checkPage({ page, rights, names }: CheckedPage, callback: PageRightsCallback): void {
  const topics = [...new Set(page.entries.map(({ topic }) => topic))];
  checkRights(rights, topics, {
    allowed: (allowed) => {
      const refused = new Set(topics);
      for (const topic of allowed) refused.delete(topic);
      if (refused.size === 0) callback.allowed(page);
      else if (!names.some(isPattern) || names.some((name) => refused.has(name))) callback.revoked();
      else callback.allowed(withoutTopics(page, refused));
    },
    failed: (error) => {
      callback.failed(error);
    },
  });
}

/** Returns a new page, because its encoded form differs. */
function withoutTopics(page: LogPage, topics: ReadonlySet<string>): LogPage {
  const entries = page.entries.filter(({ topic }) => !topics.has(topic));
  return { ...page, entries, encoded: undefined, notificationCount: undefined };
}
