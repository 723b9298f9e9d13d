import type { Draft } from '../../core/notification.js';
import type { AppendResult } from '../../core/store.js';
import type { DraftArrays } from '../shared/group-commit.js';
import type { Attempts } from './attempts.js';
import type { Follower } from './follower.js';
import {
  decodeAnswer,
  decodeForward,
  encodeAnswer,
  encodeForward,
  type Forward,
  type ForwardAnswer,
} from './forward-text.js';
import { endPosition, POSITIONS_PER_MESSAGE, sequenceOf } from './layout.js';
import type { Lease } from './lease.js';
import type { Peers } from './peers.js';

export interface ForwardingOptions {
  readonly peers: Peers;
  readonly lease: Lease;
  readonly follower: Follower;
  /** The largest message that the server accepts. */
  readonly payloadMax: () => number;
  /** Queues an array of another node, with the appends of this node. */
  readonly append: (drafts: readonly Draft[]) => Promise<AppendResult>;
  /** Drafts that this node is about to write. */
  readonly pending: () => number;
  /** The most that this node queues for other nodes. */
  readonly limits: { readonly drafts: number; readonly bytes: number };
}

/**
 * How long a node waits for the answer to a forward, and then for the batch in the log. Then it
 * writes the batch itself.
 */
const ANSWER_MS = 1_000;
/** A wait for another node takes at most the remaining time divided by this number. */
const ANSWER_PART = 4;
/** Nodes that a batch is forwarded to. Another one is tried if the first names the holder. */
const HOPS_MAX = 2;

/**
 * Forwards the appends of this node to the holder of the lease, and appends those of other nodes.
 *
 * - If a forward fails, this node writes the batch itself. Its ids make that harmless: the log
 *   contains each id once, and the first node to write it wins.
 * - An answer alone acknowledges nothing. The sender waits until its own consumer has received the
 *   ids, so a wrong answer cannot hide a loss.
 * - A batch of another node is never forwarded again, so nodes do not wait for each other.
 */
export class Forwarding {
  readonly #options: ForwardingOptions;
  /** The forward from which each array of another node came. */
  readonly #origins = new WeakMap<readonly Draft[], Forward>();
  readonly #queued = { drafts: 0, bytes: 0 };
  #isOpen = false;

  constructor(options: ForwardingOptions) {
    this.#options = options;
  }

  open(): void {
    this.#isOpen = true;
    this.#options.peers.serve(async (body) => encodeAnswer(await this.#receive(body)));
  }

  /** Rejects what other nodes forward from now on. */
  async close(): Promise<void> {
    this.#isOpen = false;
    await this.#options.peers.stop();
  }

  /**
   * Forwards a batch if another node holds the lease. True if that node has appended it, and this
   * node has received it in the log.
   */
  async send(arrays: DraftArrays, attempts: Attempts, timeoutMs: number): Promise<boolean> {
    const { peers, lease } = this.#options;
    if (!this.#isOpen || !lease.holder || !this.#mayForward(arrays)) return false;
    const { follower, payloadMax } = this.#options;
    const after = endPosition(follower.sequence);
    const body = encodeForward({ epochId: follower.log.epoch.id, after, arrays });
    if (body.length > payloadMax()) return false;
    const answerMs = Math.ceil(Math.min(ANSWER_MS, timeoutMs / ANSWER_PART));
    for (let hops = 0; lease.holder && hops < HOPS_MAX; hops++) {
      const node = lease.holder;
      const text = await peers.ask(node, body, answerMs);
      const answer = text === undefined ? undefined : decodeAnswer(text);
      if (answer && 'holder' in answer) {
        this.#redirect(answer.holder);
        continue;
      }
      if (answer && 'upTo' in answer && (await this.#hasReceived(arrays, answer.upTo, answerMs))) {
        const duplicates = new Set(answer.duplicates);
        for (const [at, { id }] of arrays.flat().entries()) if (!duplicates.has(at)) attempts.appended(id);
        if (answer.isContended) lease.grant(node);
        else lease.end();
        return true;
      }
      attempts.doubted({ node, after });
      lease.avoid(node);
    }
    return false;
  }

  /**
   * Rejects a batch of another node if the log may already hold it without this node's knowledge.
   * The sender may have written the batch itself meanwhile, after the position that it knew. So
   * this node must remember all ids after that position. A node that was suspended for longer than
   * `idempotencyMs` has forgotten some of them.
   */
  assertRecent(arrays: DraftArrays): void {
    const { ids, log } = this.#options.follower;
    for (const drafts of arrays) {
      const origin = this.#origins.get(drafts);
      if (origin && (origin.epochId !== log.epoch.id || origin.after < ids.forgottenUpTo)) {
        throw new Error('The forwarded batch is too old.');
      }
    }
  }

  #mayForward(arrays: DraftArrays): boolean {
    return arrays.every((drafts) => !this.#origins.has(drafts) && drafts.length <= POSITIONS_PER_MESSAGE);
  }

  /**
   * The receiver forwards to another node itself. If that other node is this node, this node
   * writes.
   */
  #redirect(holder: string): void {
    const { peers, lease } = this.#options;
    if (holder === peers.node) lease.end();
    else lease.grant(holder);
  }

  /** Waits until this node has received the batch in the log. */
  async #hasReceived(arrays: DraftArrays, upTo: number, timeoutMs: number): Promise<boolean> {
    const { follower } = this.#options;
    await follower.passes(sequenceOf(upTo) - 1, timeoutMs).catch(() => undefined);
    return arrays.flat().every(({ id }) => follower.ids.get(id) !== undefined);
  }

  async #receive(body: Uint8Array): Promise<ForwardAnswer> {
    const { lease, append, pending, limits } = this.#options;
    const { holder } = lease;
    if (holder) return { holder };
    const forward = this.#isOpen ? decodeForward(body) : undefined;
    if (!forward) return { rejected: true };
    const drafts = forward.arrays.flat().length;
    const queued = this.#queued;
    if (queued.drafts + drafts > limits.drafts || queued.bytes + body.length > limits.bytes) return { rejected: true };
    queued.drafts += drafts;
    queued.bytes += body.length;
    const wasBusy = pending() > 0;
    for (const array of forward.arrays) this.#origins.set(array, forward);
    const results = await Promise.allSettled(forward.arrays.map((array) => append(array)));
    queued.drafts -= drafts;
    queued.bytes -= body.length;
    if (results.some(({ status }) => status === 'rejected')) return { rejected: true };
    const appended = results.flatMap((result) => (result.status === 'fulfilled' ? result.value.appended : []));
    return {
      upTo: appended.reduce((upTo, { position }) => Math.max(upTo, position), 0),
      duplicates: [...appended.keys()].filter((at) => appended[at]?.duplicate),
      isContended: wasBusy || pending() > 0,
    };
  }
}
