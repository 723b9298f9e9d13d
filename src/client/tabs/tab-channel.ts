import type { Channel, Environment } from '../environment.js';
import { type Message, messageFrom, type Report } from './messages.js';

/** A leader that does not answer within this time is frozen or blocked. Up to as much again is added at random. */
const ANSWER_MS = 1_500;

/** The messages of one tab to the others of its group, and theirs to it. */
export class TabChannel {
  readonly #environment: Environment;
  readonly #channel: Channel;
  #answered: ((report?: Report) => void) | undefined;

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

  /** Asks the leader for a report; undefined if it does not answer. */
  askLeader(): Promise<Report | undefined> {
    const { setTimeout, clearTimeout, random } = this.#environment;
    return new Promise((resolve) => {
      // At random, so that tabs that miss a leader at the same time do not all take over.
      const timer = setTimeout(() => this.#answered?.(), ANSWER_MS * (1 + random()));
      this.#answered = (report) => {
        clearTimeout(timer);
        this.#answered = undefined;
        resolve(report);
      };
      this.post({ type: 'ask' });
    });
  }

  /** Ends `askLeader`: the leader has answered, or the question is void. */
  answered(report?: Report): void {
    this.#answered?.(report);
  }

  close(): void {
    this.answered();
    this.#channel.close();
  }
}
