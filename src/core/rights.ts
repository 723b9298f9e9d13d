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
