import type { NodeConnectionOptions } from '@nats-io/transport-node';
import { TIMER_MS_MAX } from '../../core/clock.js';
import { type NumberRule, numberOptions, wrongOption } from '../../core/options.js';

/** Options of the NATS store: connection, retention, replication and limits. */
export interface NatsStoreOptions {
  /**
   * The options of `connect` in `@nats-io/transport-node`: `servers`, `user`, `pass`, `token`,
   * `tls`, `authenticator` and others. Credentials belong here, never in a server's URL. The driver
   * always reconnects without a limit.
   */
  readonly connection?: NodeConnectionOptions | undefined;
  /**
   * Name of the stream, and the first token of its subjects. Letters, digits, `-`, `_`. Default
   * `notifications`.
   */
  readonly stream?: string | undefined;
  /** Copies of the stream in a cluster: 1 to 5. Default 1. */
  readonly replicas?: number | undefined;
  /**
   * The server has `jetstream { sync_interval: always }` (2.10 or later), so a restart loses
   * nothing that was acknowledged. A client of NATS cannot read that setting. Without the option,
   * each client gets a gap after a restart of the server, unless the stream has replicas. If the
   * option is true and the server has another setting, a power cut may lose notifications silently.
   * Default false.
   */
  readonly syncAlways?: boolean | undefined;
  /**
   * If two nodes append at the same time, one forwards its appends to the other, which writes them.
   * With false this node writes all its appends itself, and those of no other node. Default true.
   */
  readonly forwardAppends?: boolean | undefined;
  /**
   * Stream messages to keep; one holds one notification or more. Default 1,000,000. The stream's
   * own limit also counts the library's records, so the store raises it in steps of 100.
   */
  readonly retainCount?: number | undefined;
  /** Milliseconds for which a notification is kept. Default 7 days. */
  readonly retainMs?: number | undefined;
  /**
   * Bytes that the stream may use on the server. Records of the library may use 100 KiB to 16 MiB
   * more. Default 1 GiB.
   */
  readonly retainBytes?: number | undefined;
  /** Milliseconds for which a repeated `id` is recognised. Default ten minutes. */
  readonly idempotencyMs?: number | undefined;
  /**
   * Ids that each node remembers to recognise them. Above this number, the node forgets the oldest
   * ids early. Default 100,000.
   */
  readonly idempotencyCount?: number | undefined;
  /**
   * Keys that can be claimed at once, such as used tickets. Further keys are rejected. Each is a
   * message of about 250 bytes in a stream of its own. Default 1,000,000.
   */
  readonly claimCount?: number | undefined;
  /** Milliseconds after which a call without an answer of the server rejects. Default 5,000. */
  readonly timeoutMs?: number | undefined;
  /**
   * Notifications that may wait to be appended on this node. Above this number, `append` rejects.
   * Default 20,000.
   */
  readonly pendingMax?: number | undefined;
  /**
   * Characters of JSON that may wait to be appended on this node. Beyond it `append` rejects.
   * Default 64 Mi.
   */
  readonly pendingCharsMax?: number | undefined;
}

export interface NatsSettings extends Record<NumberName, number> {
  readonly connection: NodeConnectionOptions;
  readonly stream: string;
  readonly syncAlways: boolean;
  readonly forwardAppends: boolean;
}

type NumberName = Exclude<keyof NatsStoreOptions, 'connection' | 'stream' | Flag>;
type Flag = (typeof FLAGS)[number];

const MIB = 1024 * 1024;

const NUMBERS: Record<NumberName, NumberRule> = {
  replicas: { default: 1, min: 1, max: 5 },
  retainCount: { default: 1_000_000, min: 1, max: Number.MAX_SAFE_INTEGER },
  // JetStream takes durations in nanoseconds of 64 bits.
  retainMs: { default: 7 * 86_400_000, min: 1_000, max: 9_000_000_000_000 },
  retainBytes: { default: 1024 * MIB, min: 1024, max: Number.MAX_SAFE_INTEGER },
  idempotencyMs: { default: 600_000, min: 1, max: 9_000_000_000_000 },
  idempotencyCount: { default: 100_000, min: 1, max: 10_000_000 },
  claimCount: { default: 1_000_000, min: 1, max: Number.MAX_SAFE_INTEGER },
  timeoutMs: { default: 5_000, min: 100, max: TIMER_MS_MAX },
  pendingMax: { default: 20_000, min: 1, max: Number.MAX_SAFE_INTEGER },
  pendingCharsMax: { default: 64 * MIB, min: 1, max: Number.MAX_SAFE_INTEGER },
};

const FLAGS = ['syncAlways', 'forwardAppends'] as const;

const STREAM = /^[A-Za-z0-9_-]{1,64}$/;

/** @throws RangeError that names the option, its value and its range */
export function natsSettings(options: NatsStoreOptions): NatsSettings {
  const { connection = {}, stream = 'notifications', syncAlways = false, forwardAppends = true } = options;
  const owner = 'natsStore';
  const flags = { syncAlways, forwardAppends };
  const others = ['connection', 'stream', ...FLAGS];
  const numbers = numberOptions(options, { owner, numbers: NUMBERS, others });
  if (!STREAM.test(stream)) {
    const rule = 'must have 1 to 64 characters: letters, digits, - and _';
    throw wrongOption({ owner, name: 'stream', value: stream, rule });
  }
  for (const name of FLAGS) {
    if (typeof flags[name] === 'boolean') continue;
    throw wrongOption({ owner, name, value: flags[name], rule: 'must be true or false' });
  }
  // The message leaves out the value, because it holds the credentials.
  if ([connection.servers ?? []].flat().some((server) => server.includes('@'))) {
    throw new RangeError(`${owner}: connection.servers has credentials, they must be in user and pass, or token`);
  }
  return { ...numbers, connection, stream, ...flags };
}
