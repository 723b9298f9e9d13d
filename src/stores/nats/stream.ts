import type { StreamConfig, StreamInfo } from '@nats-io/jetstream';
import type { Epoch } from '../../core/store.js';
import { newEpoch } from '../shared/epoch.js';
import type { Engine } from './engine.js';
import { markerSubject } from './layout.js';
import type { NatsSettings } from './options.js';
import { freshLimits, isReached, type RecordRoom, stepTowards } from './record-room.js';

/** Which log a stream is. */
export interface LogIdentity {
  readonly epoch: Epoch;
  /** Of its subjects. Random, so what is written for a stream that was deleted never gets into the one made after it. */
  readonly prefix: string;
}

/** Where it stands. */
export interface LogStatus extends LogIdentity {
  readonly firstSequence: number;
  readonly lastSequence: number;
}

const NANOS_PER_MS = 1_000_000;
/** Ids of parts only order the parts of one commit, so the server need not remember them. */
const DUPLICATE_WINDOW_MS = 1_000;
const DESCRIPTION = 'Log of nest-notifications, do not edit: ';

export interface OpenLogOptions {
  readonly engine: Engine;
  readonly settings: NatsSettings;
  readonly records: RecordRoom;
}

/** The stream as it is, made if there is none. Nodes that start at once agree: the server makes a stream only once. */
export async function openLog({ engine, settings, records }: OpenLogOptions): Promise<LogStatus> {
  const info = await engine.open(newConfig(settings));
  const status = statusOf(info);
  if (!status) throw new Error(`natsStore: the stream ${settings.stream} is there but is no log of nest-notifications`);
  const { config } = info;
  const target = await records.count(status.prefix);
  const step = stepTowards(target, info.state);
  const limits = { ...limitsOf(settings), ...step };
  const names = Object.keys(limits) as (keyof typeof limits)[];
  if (names.some((name) => config[name] !== limits[name])) await engine.update(limits);
  if (!isReached(step, target)) records.lowerLater();
  return status;
}

/** The log's state; undefined when there is no stream. */
export async function logStatus(engine: Engine): Promise<LogStatus | undefined> {
  const info = await engine.info();
  return info && statusOf(info);
}

/**
 * Gives the log a new epoch, and tells all nodes to look. When two do so at once the later one stays, and all see that;
 * clients are then told of one more gap than there was.
 */
export async function renewEpoch(engine: Engine, { prefix }: LogIdentity): Promise<void> {
  await engine.describe(describe(newEpoch()));
  await engine.publishMarker(markerSubject(prefix));
}

/** The first message from a time on, which only a consumer can tell; undefined if there is none. */
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
    description: describe(newEpoch()),
    storage: 'file',
    discard: 'old',
    duplicate_window: DUPLICATE_WINDOW_MS * NANOS_PER_MS,
    // A message that goes missing between others would be left out silently; to begin anew, delete the stream.
    deny_delete: true,
    deny_purge: true,
  };
}

function describe({ id, secret }: Epoch): string {
  return `${DESCRIPTION}${id} ${secret}`;
}

function statusOf({ config, state }: StreamInfo): LogStatus | undefined {
  const [id, secret] = config.description?.startsWith(DESCRIPTION)
    ? config.description.slice(DESCRIPTION.length).split(' ')
    : [];
  const subject = config.subjects[0];
  if (!id || !secret || !subject?.endsWith('.>')) return undefined;
  return {
    epoch: { id, secret },
    prefix: subject.slice(0, -2),
    firstSequence: state.first_seq,
    lastSequence: state.last_seq,
  };
}
