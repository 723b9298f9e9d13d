import type { StreamConfig } from '@nats-io/jetstream';
import { CLAIM_GROUPS, type ClaimCall, type ClaimResult, type ExpiredClaims, tooManyClaims } from '../shared/claims.js';
import { unavailable } from '../shared/unavailable.js';
import { type Engine, MESSAGES_EXCEEDED, WRONG_LAST_SEQUENCE } from './engine.js';
import type { Follower } from './follower.js';
import type { NatsSettings } from './options.js';

export interface ClaimStreamOptions {
  readonly engine: Engine;
  readonly follower: Follower;
  readonly settings: NatsSettings;
}

const DESCRIPTION = 'Claims of nest-notifications, do not edit';
const NANOS_PER_MS = 1_000_000;
/**
 * The server removes claims that no node has removed. The limit is far above a claim's time,
 * because the server's clock may jump.
 */
const AGE_MS_MAX = 7 * 24 * 3_600_000;
/** Claims have no message ids. */
const DUPLICATE_WINDOW_MS = 1_000;

/**
 * Claims are in a stream of their own, because the limits of the log would remove them. The first
 * claim creates the stream.
 *
 * A claim is one message to `<stream>-claims.<group>.<key>`. The server stores it only if that
 * subject is empty. A call with a different time to live may have claimed the key in another group.
 * So the node searches for the key in all other groups. The lowest sequence wins, so all nodes
 * agree.
 */
export class ClaimStream {
  readonly #options: ClaimStreamOptions;
  readonly #name: string;
  #opened: Promise<void> | undefined;

  constructor(options: ClaimStreamOptions) {
    this.#options = options;
    this.#name = `${options.settings.stream}-claims`;
  }

  async write(call: ClaimCall): Promise<ClaimResult> {
    const { follower, settings } = this.#options;
    await follower.readable(settings.timeoutMs);
    const epochId = follower.log.epoch.id;
    try {
      await (this.#opened ??= this.#open());
      if (call.expired && epochId === call.epochId) await this.#remove(call.expired);
      // The server removes the expired claims itself and does not return them.
      return { epochId, number: await this.#claim(call, epochId), removed: 0 };
    } catch (error) {
      // The error may mean that the stream was deleted.
      this.#opened = undefined;
      throw error;
    }
  }

  async #claim(call: ClaimCall, epochId: string): Promise<number | undefined> {
    const { engine, settings } = this.#options;
    const { seq, error } = await engine.publishAfter(0, {
      stream: this.#name,
      subject: this.#subject(call.group, call.key),
    });
    if (error?.err_code === WRONG_LAST_SEQUENCE) return undefined;
    if (error?.err_code === MESSAGES_EXCEEDED) throw tooManyClaims('nats', settings.claimCount);
    if (error) throw unavailable(`The NATS server rejects a claim: ${error.description}.`);
    if (epochId === call.epochId && seq <= call.known) this.#renew();
    const others = Array.from({ length: CLAIM_GROUPS }, (_, group) => group).filter((group) => group !== call.group);
    const found = await Promise.all(
      others.map((group) => engine.get({ last_by_subj: this.#subject(group, call.key) }, this.#name)),
    );
    return found.some((message) => message && message.sequence < seq) ? undefined : seq;
  }

  /**
   * The server has lost acknowledged claims. A new epoch accepts no ticket from before the loss.
   */
  #renew(): never {
    this.#options.follower.renew();
    throw unavailable('The NATS server has lost claims; the log begins a new epoch.');
  }

  #remove({ group, upTo }: ExpiredClaims): Promise<void> {
    return this.#options.engine.purge(this.#name, { filter: this.#subject(group, '*'), seq: upTo + 1 });
  }

  async #open(): Promise<void> {
    const { engine, settings } = this.#options;
    const limits = {
      max_msgs: settings.claimCount,
      max_age: AGE_MS_MAX * NANOS_PER_MS,
      num_replicas: settings.replicas,
      allow_direct: settings.replicas === 1,
    } satisfies Partial<StreamConfig>;
    const name = this.#name;
    const fresh: Partial<StreamConfig> = {
      ...limits,
      subjects: [`${name}.*.*`],
      description: DESCRIPTION,
      storage: 'file',
      // A full stream rejects new claims. By default it would remove the oldest claims, and their
      // tickets could be used again.
      discard: 'new',
      duplicate_window: DUPLICATE_WINDOW_MS * NANOS_PER_MS,
    };
    const { config } = await engine.open(fresh, name);
    if (config.description !== DESCRIPTION) {
      throw unavailable(`The stream ${name} exists, but does not hold claims of nest-notifications.`);
    }
    const names = Object.keys(limits) as (keyof typeof limits)[];
    if (names.some((limit) => config[limit] !== limits[limit])) await engine.update(limits, name);
  }

  #subject(group: number, key: string): string {
    return `${this.#name}.${group}.${key}`;
  }
}
