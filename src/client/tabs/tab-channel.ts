import type { Environment } from '../environment.js';
import type { Channel } from './browser-apis.js';
import { type Message, messageFrom, type Report } from './messages.js';

/**
 * A leader that does not answer within this time is frozen or blocked. Jitter can double this time.
 */
const ANSWER_MS = 1_500;

/** The messages between a tab and the other tabs of its group. */
export class TabChannel {
  readonly #environment: Environment;
  readonly #channel: Channel;
  #endRequest: ((report?: Report) => void) | undefined;

  constructor(channel: Channel, environment: Environment, onMessage: (message: Message) => void) {
    this.#environment = environment;
    this.#channel = channel;
    channel.onmessage = ({ data }) => {
      const message = messageFrom(data);
      if (message) onMessage(message);
    };
  }

  post(message: Message): void {
    this.#channel.postMessage(message);
  }

  /** Requests a report from the leader. Resolves with undefined if the leader does not answer. */
  requestReport(): Promise<Report | undefined> {
    const { setTimeout, clearTimeout, random } = this.#environment;
    return new Promise((resolve) => {
      // Several tabs may detect at the same time that the leader does not answer. The jitter
      // separates their takeovers.
      const timer = setTimeout(() => this.#endRequest?.(), ANSWER_MS * (1 + random()));
      this.#endRequest = (report) => {
        clearTimeout(timer);
        this.#endRequest = undefined;
        resolve(report);
      };
      this.post({ type: 'ask' });
    });
  }

  /** Ends `requestReport`, with the leader's report or without one. */
  endRequest(report?: Report): void {
    this.#endRequest?.(report);
  }

  close(): void {
    this.endRequest();
    this.#channel.close();
  }
}
