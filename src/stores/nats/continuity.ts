import type { Epoch } from '../../core/store.js';
import { newEpoch, pastEpochs } from '../shared/epoch.js';
import type { Engine } from './engine.js';
import { decodePart, endPosition, guardSubject, type Part, sequenceOf } from './layout.js';
import type { NatsSettings } from './options.js';
import { ServerRun } from './server-run.js';
import { headOf, type LogStatus, type OpenedLog, proposeEpoch } from './stream.js';
import { type Step, Trail } from './trail.js';

/**
 * Decides at the start and after an interruption whether the stream still holds all that any node
 * has seen. Two signs show a possible loss: a commit that this node has seen is missing, or the
 * server has restarted.
 *
 * Then the log needs a new epoch. The new epoch continues the old one up to the last commit that is
 * kept, so only clients beyond that commit start over. The others get one gap.
 */
export class Continuity {
  readonly #engine: Engine;
  readonly #stream: string;
  readonly #run: ServerRun;
  readonly #trail = new Trail();
  #isDoubtful = false;

  constructor(engine: Engine, settings: NatsSettings) {
    this.#engine = engine;
    this.#stream = settings.stream;
    this.#run = new ServerRun(engine, settings);
  }

  /** Remembers a commit when its last part is seen. */
  saw(sequence: number, part: Part | undefined): void {
    if (part?.index === part?.parts && part) this.#trail.add({ sequence, commit: part.commit });
  }

  sawCommit(step: Step): void {
    this.#trail.add(step);
  }

  /** The server has lost something outside of the log, so the log needs a new epoch. */
  doubt(): void {
    this.#isDoubtful = true;
  }

  /** The node begins to follow another epoch. */
  clear(): void {
    this.#trail.clear();
    this.#isDoubtful = false;
  }

  /**
   * Begins a new epoch if the log needs one. If it returns true, the log must be opened again.
   *
   * @param mine the epoch that this node has followed in the same stream, if any
   * @param known the highest sequence that this node has seen
   */
  async renew(mine: Epoch | undefined, known: number, log: OpenedLog): Promise<boolean> {
    if (log.isNew) await this.#run.begin(log);
    const epoch = await this.successor(mine, known, log);
    if (!epoch) return false;
    await this.#run.mark(epoch.id, log);
    const isStored = await proposeEpoch(this.#engine, log, { stream: this.#stream, epoch });
    this.#run.unmark(isStored ? log.epoch.id : epoch.id);
    return true;
  }

  /** The epoch that the log needs, if any. The parameters are those of `renew`. */
  async successor(mine: Epoch | undefined, known: number, status: LogStatus): Promise<Epoch | undefined> {
    return (mine && (await this.#afterLoss(mine, known, status))) ?? this.#afterRestart(status);
  }

  async #afterRestart(status: LogStatus): Promise<Epoch | undefined> {
    if (await this.#run.includes(status)) return undefined;
    // The stream is new, or has lost everything.
    if (status.lastSequence === 0) return newEpoch();
    return { ...newEpoch(), before: pastEpochs(status.epoch, await headOf(this.#engine, status), true) };
  }

  async #afterLoss(mine: Epoch, known: number, status: LogStatus): Promise<Epoch | undefined> {
    const { epoch } = status;
    const isSame = epoch.id === mine.id;
    const past = epoch.before?.find(({ id }) => id === mine.id);
    // The stream was restored to an older epoch. Later positions may be assigned twice.
    const isOlder = mine.before?.some(({ id }) => id === epoch.id) ?? false;
    if (!isSame && !past && !isOlder) return undefined;
    const last = past ? this.#trail.lastUpTo(sequenceOf(past.upTo)) : this.#trail.last;
    const isShorter = isSame && (await this.#isShorter(known, status));
    const { lastSequence } = status;
    if (!isShorter && !isOlder && !this.#isDoubtful && (!last || (await this.#isKept(last, lastSequence))))
      return undefined;
    const kept = await this.#trail.lastKept((step) => this.#isKept(step, lastSequence));
    const upTo = kept ? endPosition(kept.sequence) : 0;
    return { ...newEpoch(), before: pastEpochs(past ? epoch : mine, upTo, true) };
  }

  /**
   * A new leader may answer a read before it has applied its whole log. Before it stores a message,
   * it applies the whole log.
   */
  async #isShorter(known: number, { lastSequence, prefix }: LogStatus): Promise<boolean> {
    return lastSequence < known && (await this.#engine.publishMarker(guardSubject(prefix))) <= known;
  }

  /** A missing message was removed, unless the stream ends before it. */
  async #isKept({ sequence, commit }: Step, lastSequence: number): Promise<boolean> {
    const message = await this.#engine.get({ seq: sequence });
    return message ? decodePart(message)?.commit === commit : sequence <= lastSequence;
  }
}
