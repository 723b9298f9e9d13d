import type { KeyValueStorage } from '../options.js';

/** Stores the operations of an inbox that the server has not acknowledged. */
export interface QueueStore {
  /** The text that was saved last, or null. */
  load(): string | null;
  /** Saves a text, and replaces the previous one. Null removes it. */
  save(text: string | null): void;
}

/** The part of the Web Storage API that a queue needs. */
export interface RemovableStorage extends KeyValueStorage {
  /** Removes the text under the key. */
  removeItem(key: string): void;
}

/**
 * Stores the operations of an inbox in the browser: `queueIn(sessionStorage, userId)` survives a
 * reload, `queueIn(localStorage, userId)` also survives a restart of the browser.
 *
 * @param name - Must contain the user's id: the operations of one user must not be sent as those of
 *   another user. Two inboxes of a user need two names.
 * @throws TypeError if the name is empty, or is not a string
 */
export function queueIn(storage: RemovableStorage, name: string): QueueStore {
  if (typeof (name as unknown) !== 'string' || name === '') {
    throw new TypeError(
      `the name of queueIn is ${name === '' ? 'empty' : typeof name}; pass a string with the id of the user`,
    );
  }
  const key = `nest-notifications/inbox ${name}`;
  return {
    load: () => storage.getItem(key),
    save: (text) => {
      if (text === null) storage.removeItem(key);
      else storage.setItem(key, text);
    },
  };
}
