import { isRetraction } from '../../src/core/retraction.js';
import { Random } from '../support/random.js';
import type { Client } from './client.js';
import { readHistory } from './history.js';
import type { Process } from './node.js';
import { loseARetraction } from './retractions.js';
import { TOPICS, type World } from './world.js';

/** The action of a step. It chooses its target itself, and does nothing if there is none. */
type Action = (world: World, random: Random) => void | Promise<void>;

/** A step retracts one of this number of newest notifications. */
const RETRACTABLE = 15;
/** How long a fault lasts. */
const FAULT_MS_MAX = 900;
/** The minimum time that a draining node has before its process is killed. */
const STOP_MS = 300;
/** How long requests wait. */
const WAIT_MS_MAX = 2_500;
/** The minimum interval of heartbeats, so that empty pages are rare. */
const HEARTBEAT_MS_MIN = 400;

/** Every kind of step, with its weight and its action. */
const STEPS: Readonly<Record<string, readonly [weight: number, action: Action]>> = {
  publish: [
    30,
    (world, random) => {
      const node = random.pick(world.nodes);
      const drafts = Array.from({ length: random.from(1, 3) }, () => world.newDraft());
      if (!node.isStopping) world.publish(node, drafts);
      world.trace(() => `publish ${drafts.map(({ id, topic }) => topic + id).join(' ')}`);
      world.remember(drafts);
    },
  ],
  'publish again': [
    5,
    (world, random) => {
      const node = random.pick(world.nodes);
      const drafts = world.repeatable(random);
      if (drafts && !node.isStopping) world.publish(node, drafts);
    },
  ],
  retract: [
    8,
    (world, random) => {
      const node = random.pick(world.nodes);
      const recent = [...world.publishes.values()].filter((one) => !isRetraction(one)).slice(-RETRACTABLE);
      if (!node.feed || node.isStopping || node.clock.isDead || recent.length === 0) return;
      const { id, topic } = random.pick(recent);
      world.trace(() => `retract ${topic}${id}`);
      world.retract(node, world.publishes.get(id)!);
    },
  ],
  'lose a retraction': [3, loseARetraction],
  'commit late': [
    4,
    (world, random) => {
      const { faults } = random.pick(world.nodes).store;
      world.fault(
        random.from(1, FAULT_MS_MAX),
        () => (faults.commitMs = 300),
        () => (faults.commitMs = 0),
      );
    },
  ],
  ask: [
    40,
    (world, random) => {
      const client = random.pick(world.clients);
      const node = random.pick(world.nodes);
      const kind = random.pick(['poll', 'stream'] as const);
      const waitMs = random.from(
        kind === 'poll' ? 0 : HEARTBEAT_MS_MIN,
        random.chance(0.2) ? HEARTBEAT_MS_MIN : WAIT_MS_MAX,
      );
      client.ask(node, {
        kind,
        waitMs,
        limit: random.from(1, 4),
        lifetimeMs: random.from(1, 3 * WAIT_MS_MAX),
        isRevokedDuringCheck: random.chance(0.1),
      });
      world.trace(() => `${client.name} asks node ${world.nodes.indexOf(node)}, ${kind}`);
    },
  ],
  'read the history': [5, readHistory],
  leave: [6, (world, random) => traced(world, random.pick(world.clients), 'leaves').leave()],
  'go back': [2, (world, random) => traced(world, random.pick(world.clients), 'goes back').goBack()],
  stall: [3, (world, random) => random.pick(world.clients).stall()],
  take: [6, (world, random) => random.pick(world.clients).take()],
  'cut streams': [
    3,
    (world, random) => {
      world.cutsBlocks = random.chance(0.6);
    },
  ],
  'cut a node off': [
    4,
    (world, random) => {
      const { store } = random.pick(world.nodes);
      world.fault(
        random.from(1, FAULT_MS_MAX),
        () => store.cut(),
        () => store.restore(),
      );
    },
  ],
  'slow reads': [
    6,
    (world, random) => {
      const { faults } = random.pick(world.nodes).store;
      world.fault(
        random.from(1, FAULT_MS_MAX),
        () => (faults.slowMs = 300),
        () => (faults.slowMs = 0),
      );
    },
  ],
  'lose wake-ups': [3, wakes('lost')],
  'repeat wake-ups': [2, wakes('repeated')],
  'repeat a batch': [3, (world, random) => random.pick(world.nodes).store.repeatBatch()],
  trim: [
    3,
    (world, random) => {
      world.engine.trim(random.from(1, 12));
      world.trace(() => 'trim');
    },
  ],
  'crash the engine': [
    2,
    (world, random) => {
      world.counters.engineCrashes++;
      world.fault(
        random.from(1, FAULT_MS_MAX),
        () => world.engine.crash(),
        () => world.engine.start(),
      );
    },
  ],
  'lose the log': [
    1,
    (world) => {
      if (world.clients.some(({ isAsking }) => isAsking)) world.counters.wipesWithWaiters++;
      world.hiccup();
      world.engine.lose({ what: 'all' });
    },
  ],
  'lose the newest': [
    1,
    (world) => {
      world.counters.newestLost++;
      world.hiccup();
      world.engine.lose({ what: 'newest' });
    },
  ],
  'fail over without loss': [
    1,
    (world) => {
      world.hiccup();
      world.engine.lose({ what: 'nothing' });
    },
  ],
  'fail over behind a pooler': [
    2,
    (world, random) => {
      world.hiccup();
      world.engine.lose({ what: random.pick(['newest', 'nothing'] as const), isHidden: true });
    },
  ],
  'take a snapshot': [2, (world) => world.engine.takeSnapshot()],
  'restore the snapshot': [
    1,
    (world) => {
      if (world.engine.restoreSnapshot({ isDetected: true })) world.hiccup();
    },
  ],
  'restore the snapshot while the engine is down': [
    1,
    (world, random) => {
      world.fault(
        random.from(1, FAULT_MS_MAX),
        () => world.engine.crash(),
        () => {
          world.engine.restoreSnapshot({ isDetected: random.chance(0.5) });
          world.engine.start();
        },
      );
    },
  ],
  'crash a node': [
    2,
    (world, random) => {
      const at = random.below(world.nodes.length);
      const node = world.nodes[at]!;
      if (node.clock.isDead || node.isStopping) return;
      node.kill();
      const lost = world.clients.filter((client) => client.loseProcess(node));
      if (lost.length > 0) world.counters.crashesWithWaiters++;
      startAgain(world, at, random);
    },
  ],
  'stop a node': [
    2,
    (world, random) => {
      const at = random.below(world.nodes.length);
      const node = world.nodes[at]!;
      if (node.clock.isDead || node.isStopping) return;
      const { waiters = 0 } = node.feed?.counts() ?? {};
      if (waiters > 0) world.counters.drainsWithWaiters++;
      if (node.store.isBusy && waiters > 0) world.counters.drainsWhileReading++;
      world.fault(
        random.from(400, 1_200),
        () => {
          node.stop().then(
            (left) => {
              if (left.length > 0) world.failures.push(`node ${at} leaves ${left.join()} behind`);
            },
            (error: unknown) => {
              world.failures.push(`node ${at} does not stop: ${String(error)}`);
            },
          );
        },
        () => {
          // Timers that are due at the same moment, as after a long computation, run first.
          world.fault(
            STOP_MS,
            () => undefined,
            () => {
              if ((node.feed?.counts().waiters ?? 0) > 0) world.failures.push(`node ${at} has not sent everybody away`);
              for (const client of world.clients) client.loseProcess(node);
              node.kill();
              void world.startNode(at);
            },
          );
        },
      );
    },
  ],
  revoke: [
    3,
    (world, random) => {
      const client = random.pick(world.clients);
      const node = random.pick(world.nodes);
      if (client.allowed.size === 0 || !node.feed || node.clock.isDead || node.isStopping) return;
      const topic = random.pick([...client.allowed]);
      client.takeAway(topic, node);
    },
  ],
  erase: [6, erase],
  'revoke behind a node': [2, revokeBehindANode],
  grant: [
    3,
    (world, random) => {
      const client = random.pick(world.clients);
      const taken = client.interests.filter((topic) => !client.allowed.has(topic));
      if (taken.length > 0) client.giveBack(random.pick(taken));
    },
  ],
  'compute for long': [
    4,
    async (world, random) => {
      world.clock.spend(random.from(1, 1_500));
      world.hiccup();
      await world.clock.turn();
    },
  ],
  'advance the clock by a long time': [4, (world, random) => world.clock.advance(random.from(100, 3_000))],
  calm: [2, (world) => world.calm()],
};

const KINDS = Object.entries(STEPS).flatMap(([kind, [weight]]) => Array.from({ length: weight }, () => kind));

/** A step of a script: its kind, and the seed of its random numbers. Any step can be omitted. */
export type Step = readonly [kind: string, chances: number];

export function script(random: Random, length: number): Step[] {
  return Array.from({ length }, () => [random.pick(KINDS), random.below(2 ** 32)]);
}

export async function take(world: World, [kind, chances]: Step): Promise<void> {
  const random = new Random(chances);
  // Random choices until the next step depend on this step only, so that others can be omitted.
  world.random.reseed(random.below(2 ** 32));
  await STEPS[kind]![1](world, random);
  // Many steps run at the same moment as the previous one, or one turn later.
  const dice = random.next();
  if (dice < 0.3) return;
  if (dice < 0.5) await world.clock.turn();
  else if (dice < 0.75) {
    // A busy event loop: all timers that are due run before tasks that wait for their turn.
    world.clock.spend(random.from(1, 30));
    await world.clock.turn();
  } else await world.clock.advance(random.from(1, 30));
}

/**
 * A client with a ticket reads old entries on a node that misses a revocation and a later publish.
 */
async function revokeBehindANode(world: World, random: Random): Promise<void> {
  const [node, other] = random.sample(world.nodes, 2);
  const client = world.clients.find(({ hasTickets }) => hasTickets)!;
  if (!other?.feed || other.isStopping || !node?.feed || node.isStopping || client.allowed.size === 0) return;
  client.leave();
  client.goBack();
  client.stall();
  client.ask(node, { kind: 'stream', waitMs: WAIT_MS_MAX, limit: 1, lifetimeMs: 3 * WAIT_MS_MAX });
  await world.clock.advance(60);
  disturbWakes(world, node, { what: 'lost', forMs: FAULT_MS_MAX });
  const topic = random.pick([...client.allowed]);
  client.takeAway(topic, other);
  await world.clock.advance(30);
  const drafts = [world.newDraft(topic)];
  world.publish(other, drafts);
  world.remember(drafts);
  await world.clock.advance(30);
  if (client.process === node && node.feed.window.head < world.engine.head) world.counters.revokedBehindANode++;
  client.take();
}

/** Erases a topic on a node. An erasure that is rejected may have begun. */
function erase(world: World, random: Random): void {
  const node = random.pick(world.nodes);
  const topic = random.pick(TOPICS);
  if (!node.feed || node.clock.isDead || node.isStopping) return;
  world.trace(() => `erase ${topic}`);
  node.feed.erase([topic]).then(
    () => world.counters.erasures++,
    (error: unknown) => {
      world.counters.erasuresRefused++;
      if ((error as { code?: string }).code !== 'store_unavailable') world.failures.push(String(error));
    },
  );
}

function wakes(what: 'lost' | 'repeated'): Action {
  return (world, random) => {
    const node = random.pick(world.nodes);
    disturbWakes(world, node, { what, forMs: random.from(1, FAULT_MS_MAX) });
  };
}

function disturbWakes(world: World, { store }: Process, { what, forMs }: { what: 'lost' | 'repeated'; forMs: number }) {
  const { faults } = store;
  world.fault(
    forMs,
    () => (faults.wakes = what),
    () => (faults.wakes = 'told'),
  );
}

function startAgain(world: World, at: number, random: Random): void {
  world.trace(() => `node ${at} is killed`);
  world.fault(
    random.from(1, FAULT_MS_MAX),
    () => undefined,
    () => void world.startNode(at),
  );
}

function traced(world: World, client: Client, what: string): Client {
  world.trace(() => `${client.name} ${what}`);
  return client;
}
