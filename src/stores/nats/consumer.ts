import type { Msg, Subscription } from '@nats-io/transport-node';
import type { Clock, Timer } from '../../core/clock.js';
import type { Engine } from './engine.js';
import type { RawMessage } from './layout.js';

export interface ConsumerOptions {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly onMessage: (message: RawMessage) => void;
  /**
   * The consumer has ended, because messages were missed or the server is silent. Called at most
   * once.
   */
  readonly onBroken: (reason: string) => void;
}

const NANOS_PER_MS = 1_000_000;
const HEARTBEAT_MS = 1_000;
/** A consumer counts as lost after this time without a message. */
const SILENCE_MS = 3_500;
/** The server removes the consumer of a node that has crashed. */
const INACTIVE_MS = 5_000;

const CONTROL = 100;

/**
 * The node's consumer. It is in memory and needs no acknowledgements. The server pushes messages
 * under flow control. The consumer ends as soon as a message is missing; its owner then opens
 * another one at the same sequence.
 */
export class Consumer {
  readonly #options: ConsumerOptions;
  readonly #subscription: Subscription;
  #name: string | undefined;
  #delivered = 0;
  #heardMs: number;
  #timer: Timer;
  #open = true;

  private constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#heardMs = options.clock.monotonic();
    this.#subscription = options.engine.subscribe((message) => {
      this.#onMessage(message);
    });
  }

  /** Opens a consumer. `pending` is the number of messages that already exist. */
  static async open(options: ConsumerOptions, startSequence: number) {
    const consumer = new Consumer(options);
    try {
      const info = await options.engine.addConsumer({
        deliver_policy: 'by_start_sequence',
        opt_start_seq: startSequence,
        deliver_subject: consumer.#subscription.getSubject(),
        ack_policy: 'none',
        mem_storage: true,
        num_replicas: 1,
        flow_control: true,
        idle_heartbeat: HEARTBEAT_MS * NANOS_PER_MS,
        inactive_threshold: INACTIVE_MS * NANOS_PER_MS,
      });
      consumer.#name = info.name;
      consumer.#watch();
      return { consumer, pending: info.num_pending };
    } catch (error) {
      void consumer.close();
      throw error;
    }
  }

  /** Stops the delivery and removes the consumer from the server, if it can be reached. */
  async close(): Promise<void> {
    this.#stop();
    if (this.#name !== undefined) await this.#options.engine.deleteConsumer(this.#name);
  }

  #stop(): void {
    this.#open = false;
    this.#options.clock.clearTimeout(this.#timer);
    this.#subscription.unsubscribe();
  }

  #onMessage(message: Msg): void {
    if (!this.#open) return;
    this.#heardMs = this.#options.clock.monotonic();
    if (message.headers?.code === CONTROL) {
      this.#onControl(message);
      return;
    }
    // $JS.ACK.[domain.account.]stream.consumer.deliveries.stream sequence.consumer sequence
    // .nanoseconds.pending[.random]
    const tokens = message.reply?.split('.') ?? [];
    const at = tokens.length > 9 ? 7 : 5;
    const sequence = Number(tokens[at]);
    if (Number(tokens[at + 1]) !== this.#delivered + 1) {
      this.#break('messages were missed');
      return;
    }
    this.#delivered++;
    const { subject, headers, data } = message;
    this.#options.onMessage({ sequence, timeMs: Number(tokens[at + 2]) / NANOS_PER_MS, subject, headers, data });
  }

  /**
   * A heartbeat states how far the server has delivered. A flow control request needs an answer.
   */
  #onControl(message: Msg): void {
    const stalled = message.headers?.get('Nats-Consumer-Stalled');
    if (message.reply) this.#options.engine.respond(message.reply);
    else if (stalled) this.#options.engine.respond(stalled);
    const last = message.headers?.get('Nats-Last-Consumer');
    if (last && Number(last) > this.#delivered) this.#break('messages were missed');
  }

  #watch(): void {
    if (!this.#open) return;
    const silentMs = this.#options.clock.monotonic() - this.#heardMs;
    if (silentMs >= SILENCE_MS) {
      this.#break('the server is silent');
      return;
    }
    this.#timer = this.#options.clock.setTimeout(() => {
      this.#watch();
    }, SILENCE_MS - silentMs);
  }

  #break(reason: string): void {
    if (!this.#open) return;
    this.#stop();
    this.#options.onBroken(reason);
  }
}
