import type { NatsConnection, Subscription } from '@nats-io/transport-node';
import type { NatsSettings } from './options.js';
import type { Requests } from './requests.js';

export interface PeersOptions {
  readonly nc: NatsConnection;
  readonly requests: Requests;
  readonly settings: NatsSettings;
}

/**
 * Messages between the nodes of a log. The stream does not store them. Answers use a subject below
 * the node's own, so a node needs no permission to publish to the inboxes of others.
 */
export class Peers {
  /** Identifies this node. Random, so no program can guess its subject. */
  readonly node = globalThis.crypto.randomUUID();
  readonly #options: PeersOptions;
  #asked = 0;
  #served: Subscription | undefined;

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  /** Sends a message to a node. Undefined without an answer in time, or if the node has ended. */
  async ask(node: string, body: Uint8Array, timeoutMs: number): Promise<string | undefined> {
    const { nc, requests } = this.#options;
    const reply = `${this.#subject(this.node)}.${++this.#asked}`;
    const options = { timeout: timeoutMs, noMux: true, reply };
    const answer = await requests.send(() => nc.request(this.#subject(node), body, options)).catch(() => undefined);
    return answer?.string();
  }

  /** Answers the messages to this node until `stop`. */
  serve(answer: (body: Uint8Array) => Promise<string>): void {
    const { nc, requests } = this.#options;
    this.#served = nc.subscribe(this.#subject(this.node), {
      callback: (error, message) => {
        if (error) return;
        void answer(message.data).then((text) => {
          if (requests.connected) message.respond(text);
        });
      },
    });
  }

  /**
   * Messages that the server has delivered are still answered. The server rejects later messages at
   * once.
   */
  async stop(): Promise<void> {
    const { requests } = this.#options;
    if (this.#served && requests.connected) await requests.soon(this.#served.drain()).catch(() => undefined);
  }

  #subject(node: string): string {
    return `${this.#options.settings.stream}.writer.${node}`;
  }
}
