import type { LogPage } from './page.js';

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
  allowed(): void;
  /** The subscriber may no longer read one of the topics. */
  revoked(): void;
  failed(error: unknown): void;
}

/** Checks the rules for the topics on a page: access may have changed during the wait. */
export function checkPage(rights: Rights, { entries }: LogPage, callback: PageRightsCallback): void {
  const topics = [...new Set(entries.map(({ topic }) => topic))];
  checkRights(rights, topics, {
    allowed: (allowed) => {
      if (topics.every((topic) => allowed.includes(topic))) callback.allowed();
      else callback.revoked();
    },
    failed: (error) => {
      callback.failed(error);
    },
  });
}
