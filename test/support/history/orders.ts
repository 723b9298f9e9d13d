import type { Chain } from './chains.js';
import { type Answer, type Fork, type History, isAnswer, type Logged, type Place } from './history.js';

/** A log without a known total order. Only positions of the same topic can be compared. */
const DERIVED = 'derived';

interface KnownLog {
  readonly byId: ReadonlyMap<string, Logged>;
  readonly byTopic: ReadonlyMap<string, readonly Logged[]>;
}

/** The known order of notifications. */
export class Orders {
  readonly #logs = new Map<string, KnownLog>();

  constructor(
    logs: NonNullable<History['logs']>,
    /**
     * True for real logs, in which positions of all topics can be compared. False for a derived
     * log.
     */
    readonly areWhole: boolean,
    readonly forks: NonNullable<History['forks']> = new Map(),
  ) {
    for (const [name, log] of logs) {
      const byId = new Map(log.map((entry) => [entry.id, entry]));
      const byTopic = new Map<string, Logged[]>();
      for (const entry of log) {
        const topic = byTopic.get(entry.topic);
        if (topic) topic.push(entry);
        else byTopic.set(entry.topic, [entry]);
      }
      this.#logs.set(name, { byId, byTopic });
    }
  }

  /**
   * The logs of the history. Without them, the order of each topic is that of its longest chain.
   */
  static of(history: History, chains: readonly Chain[]): Orders {
    if (history.logs) return new Orders(history.logs, true, history.forks);
    const longest = new Map<string, ReadonlySet<string>>();
    for (const [topic, ids] of chains.flatMap(runsOf)) {
      if (ids.size > (longest.get(topic)?.size ?? 0)) longest.set(topic, ids);
    }
    const entries = [...longest].flatMap(([topic, ids]) => [...ids].map((id, at) => ({ id, topic, position: at + 1 })));
    return new Orders(new Map([[DERIVED, entries]]), false);
  }

  /**
   * True if a notification precedes all that are published after its acknowledgement. With several
   * logs it is unknown which log acknowledged a call. A repeated call may have appended to the next
   * log.
   */
  get followCalls(): boolean {
    return this.#logs.size === 1;
  }

  /** The log of an answer. */
  logOf({ place }: Answer): string {
    const only = this.#logs.size === 1 ? [...this.#logs.keys()][0] : undefined;
    const log = place?.log ?? only;
    if (log === undefined) throw new Error('if a history has several logs, each answer must name its log');
    return log;
  }

  /** Whether a log continues another one from a position, so that its cursor stays valid. */
  continues(log: string, place: Place): boolean {
    if (place.log === log) return true;
    const past = this.#forkOf(log, place);
    return past !== undefined && place.position <= past.position;
  }

  /** Whether acknowledged entries were lost between a position of an earlier log and this log. */
  isAfterLoss(log: string, place: Place): boolean {
    return this.#forkOf(log, place)?.lost === true;
  }

  #forkOf(log: string, place: Place): Fork | undefined {
    return this.forks.get(log)?.find((fork) => fork.log === place.log);
  }

  entry(log: string, id: string): Logged | undefined {
    return this.#logs.get(log)?.byId.get(id);
  }

  /** The entries of a topic after a position of a log, in order. */
  after(log: string, topic: string, position: number): readonly Logged[] {
    const entries = this.#logs.get(log)?.byTopic.get(topic) ?? [];
    let [low, high] = [0, entries.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (entries[middle]!.position > position) high = middle;
      else low = middle + 1;
    }
    return entries.slice(low);
  }

  /** True if retention had removed an entry after a position at this time. */
  hasExpired(log: string, position: number, atMs: number): boolean {
    const entries = this.#logs.get(log)?.byId.values() ?? [];
    for (const entry of entries) if (entry.position > position && (entry.trimmedMs ?? Infinity) <= atMs) return true;
    return false;
  }

  /** True if any log has the notification. */
  holds(id: string): boolean {
    return [...this.#logs.values()].some(({ byId }) => byId.has(id));
  }
}

/**
 * The notifications of each topic that a chain has received without a gap, each once.
 */
function runsOf(chain: Chain): [topic: string, ids: ReadonlySet<string>][] {
  const runs: [string, ReadonlySet<string>][] = [];
  const current = new Map<string, Set<string>>();
  for (const { gap, topics, notifications } of chain.filter(isAnswer)) {
    for (const topic of current.keys()) if (gap || !topics.includes(topic)) current.delete(topic);
    for (const { id, topic } of notifications) {
      let ids = current.get(topic);
      if (!ids) {
        current.set(topic, (ids = new Set()));
        runs.push([topic, ids]);
      }
      ids.add(id);
    }
  }
  return runs;
}
