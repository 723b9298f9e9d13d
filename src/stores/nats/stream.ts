import type { StreamConfig, StreamInfo } from '@nats-io/jetstream';
import type { Epoch } from '../../core/store.js';
import { newEpoch } from '../shared/epoch.js';
import { unavailable } from '../shared/unavailable.js';
import { type Engine, WRONG_LAST_SEQUENCE } from './engine.js';
import { decodeEpoch, decodeProposal, encodeEpoch, encodeNewLog, encodeProposal, isNewLog } from './epoch-text.js';
import { decodePart, epochSubject, visibleAt } from './layout.js';
import type { NatsSettings } from './options.js';
import { freshLimits, isReached, type RecordRoom, stepTowards } from './record-room.js';

/** Identifies the log in a stream. */
export interface LogIdentity {
  readonly epoch: Epoch;
  /**
   * The first tokens of its subjects. They are random, so messages for a deleted stream never reach
   * its successor.
   */
  readonly prefix: string;
}

export interface LogStatus extends LogIdentity {
  readonly lastSequence: number;
  /** No node has used the log. */
  readonly isNew: boolean;
  /** The server belongs to a cluster. */
  readonly isClustered: boolean;
}

/** A log, with the sequence of the last proposed epoch, or 0 if there is none. */
export interface OpenedLog extends LogStatus {
  readonly proposedAt: number;
}

/** An epoch to propose in a stream. */
export interface NewEpoch {
  readonly stream: string;
  readonly epoch: Epoch;
}

const NANOS_PER_MS = 1_000_000;
/** The server needs part ids only within one commit, so it keeps them briefly. */
const DUPLICATE_WINDOW_MS = 1_000;

export interface OpenLogOptions {
  readonly engine: Engine;
  readonly settings: NatsSettings;
  readonly records: RecordRoom;
}

/**
 * Opens the log, and creates its stream if it does not exist. The server creates it once, so all
 * nodes agree.
 */
export async function openLog({ engine, settings, records }: OpenLogOptions): Promise<OpenedLog> {
  const info = await engine.open(newConfig(settings));
  const status = statusOf(info);
  if (!status) throw new Error(`natsStore: the stream ${settings.stream} exists, but is no log of nest-notifications`);
  const { config } = info;
  const target = await records.count(status.prefix);
  const step = stepTowards(target, info.state);
  const limits = { ...limitsOf(settings), ...step };
  const names = Object.keys(limits) as (keyof typeof limits)[];
  if (names.some((name) => config[name] !== limits[name])) await engine.update(limits);
  if (!isReached(step, target)) records.lowerLater();
  return withProposal(engine, status);
}

/**
 * Completes the change to a proposed epoch. The node that proposed it may have died. So every node
 * writes the description, and all write the same. A node that changes the limits writes the whole
 * configuration that it has read before. So the description may also be one of an earlier epoch.
 */
async function withProposal(engine: Engine, status: LogStatus): Promise<OpenedLog> {
  const message = await engine.get({ last_by_subj: epochSubject(status.prefix) });
  const proposal = message && decodeProposal(message.data);
  const opened = { ...status, proposedAt: message?.sequence ?? 0 };
  if (!proposal || ![proposal.from, ...pastIds(proposal.epoch)].includes(status.epoch.id)) return opened;
  await engine.describe(encodeEpoch(proposal.epoch));
  return { ...opened, epoch: proposal.epoch };
}

function pastIds({ before = [] }: Epoch): string[] {
  return before.map(({ id }) => id);
}

/** The state of the log; undefined if the stream does not exist. */
export async function logStatus(engine: Engine): Promise<LogStatus | undefined> {
  const info = await engine.info();
  return info && statusOf(info);
}

/** The position up to which everything is visible. */
export async function headOf(engine: Engine, { lastSequence }: LogStatus): Promise<number> {
  if (lastSequence === 0) return 0;
  const last = await engine.get({ seq: lastSequence });
  return visibleAt(lastSequence, last && decodePart(last));
}

/**
 * Proposes an epoch as the successor of the present one. If several nodes do so at once, the server
 * stores one proposal. Every node then opens the log again and finds it. Returns false if the
 * server has stored another one.
 */
export async function proposeEpoch(engine: Engine, log: OpenedLog, { stream, epoch }: NewEpoch): Promise<boolean> {
  const { error } = await engine.publishAfter(log.proposedAt, {
    stream,
    subject: epochSubject(log.prefix),
    body: encodeProposal({ from: log.epoch.id, epoch }),
  });
  if (!error) return true;
  if (error.err_code === WRONG_LAST_SEQUENCE) return false;
  throw unavailable(`The NATS server rejects a new epoch: ${error.description}.`);
}

/** The first message since a time, or undefined if there is none. Only a consumer can find it. */
export async function firstSequenceSince(engine: Engine, timeMs: number): Promise<number | undefined> {
  const { delivered, num_pending } = await engine.sample({
    deliver_policy: 'by_start_time',
    opt_start_time: new Date(Math.max(0, timeMs)).toISOString(),
  });
  return num_pending === 0 ? undefined : delivered.stream_seq + 1;
}

function limitsOf({ retainMs, replicas }: NatsSettings) {
  return {
    max_age: retainMs * NANOS_PER_MS,
    num_replicas: replicas,
    allow_direct: replicas === 1,
  } satisfies Partial<StreamConfig>;
}

function newConfig(settings: NatsSettings): Partial<StreamConfig> {
  const { stream } = settings;
  const incarnation = globalThis.crypto.randomUUID().slice(0, 8);
  return {
    ...limitsOf(settings),
    ...freshLimits(settings),
    subjects: [`${stream}.${incarnation}.>`],
    description: encodeNewLog(newEpoch()),
    storage: 'file',
    discard: 'old',
    duplicate_window: DUPLICATE_WINDOW_MS * NANOS_PER_MS,
    // `remove` deletes single messages. To start again, delete the stream.
    deny_purge: true,
  };
}

function statusOf({ config, state, cluster }: StreamInfo): LogStatus | undefined {
  const epoch = decodeEpoch(config.description);
  const subject = config.subjects[0];
  if (!epoch || !subject?.endsWith('.>')) return undefined;
  return {
    ...{ epoch, prefix: subject.slice(0, -2), lastSequence: state.last_seq },
    isNew: isNewLog(config.description),
    // A single server may also report itself as the leader.
    isClustered: Boolean(cluster?.name),
  };
}
