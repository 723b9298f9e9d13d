/** What a waiter may be told. It is asked again whenever there is something to tell. */
export interface Rights {
  /**
   * Those of the topics that may be read at this moment. Whoever knows at once answers at once: a promise holds the page back
   * until it is kept.
   */
  allowed(topics: readonly string[]): readonly string[] | Promise<readonly string[]>;
}
