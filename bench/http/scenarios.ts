import { Bench } from './bench.js';
import { median } from '../median.js';
import type { Protocol } from './protocols.js';
import { pause } from '../../test/support/time/pause.js';

/** The result of one run of a scenario: the figure to compare, and the counts that must be zero. */
export interface Run {
  readonly figure: number;
  readonly lost: number;
  readonly doubled: number;
}

export interface Scenario {
  readonly title: string;
  readonly unit: string;
  run(server: string, protocol: Protocol): Promise<Run>;
}

/** Cycles before the measurement, so that V8 has optimised the code. */
const WARM_UP = 40;
const CYCLES = 25;

const WATCH_AGAIN_MS = 50;

/** CPU time for a delivery: all clients follow one topic. */
export function fanOut(clients: number, isStream = false): Scenario {
  return {
    title: isStream
      ? `A server-sent event, ${clients} clients`
      : `A long poll answered and repeated, ${clients} clients`,
    unit: 'µs of CPU per delivery',
    run: (server, protocol) =>
      measured(server, { count: clients, protocol, isStream }, async (bench) => {
        return medianOf(cyclesFor(clients), async (serial) => (await bench.cycle([[serial, 'orders']], 1)) / clients);
      }),
  };
}

/**
 * CPU time for a delivery: each client follows topics of its own, one of which has a notification
 * in each cycle.
 */
export function topicEach(clients: number, topicsEach: number): Scenario {
  const topics = clients * topicsEach;
  const nameOf = (index: number, nth: number): string => `t${index * topicsEach + nth}`;
  return {
    title: `${topics} topics, ${topicsEach} for each of ${clients} clients`,
    unit: 'µs of CPU per delivery, publishing included',
    run: (server, protocol) => {
      const topicsOf = (index: number): string[] => Array.from({ length: topicsEach }, (_, nth) => nameOf(index, nth));
      return measured(server, { count: clients, protocol, topicsOf }, (bench) =>
        medianOf(cyclesFor(clients), async (serial) => {
          const lap = Array.from(
            { length: clients },
            (_, index) => [serial, nameOf(index, serial % topicsEach)] as const,
          );
          return (await bench.cycle(lap, 1)) / clients;
        }),
      );
    },
  };
}

/**
 * CPU time for a notification delivered, when many are published at once, or one after the other.
 */
export function burst(clients: number, size: number, { inTurn }: { inTurn: boolean }): Scenario {
  return {
    title: `${size} published ${inTurn ? 'one after the other' : 'at once'}, ${clients} clients`,
    unit: 'µs of CPU per notification delivered',
    run: (server, protocol) =>
      measured(server, { count: clients, protocol }, (bench) =>
        medianOf(cyclesFor(inTurn ? clients * 10 : clients), async (cycle) => {
          const all = Array.from({ length: size }, (_, nth) => [cycle * size + nth, 'orders'] as const);
          return (await bench.cycle(all, size, { inTurn })) / clients / size;
        }),
      ),
  };
}

/** CPU time for a client that reconnects after it has missed a hundred notifications. */
export function catchUp(clients: number, missed: number): Scenario {
  return {
    title: `${clients} clients that have missed ${missed} notifications each`,
    unit: 'µs of CPU per client',
    run: (server, protocol) =>
      measured(server, { count: clients, protocol, pollsOnDemand: true }, async (bench) => {
        const { cursor = '' } = await bench.report();
        bench.order({ publish: Array.from({ length: missed }, (_, nth) => [nth + 1, 'orders']) });
        await bench.spent();
        return medianOf(cyclesFor(clients), async () => {
          await bench.clients.catchUp(cursor, missed, 30_000);
          return (await bench.spent()) / clients;
        });
      }),
  };
}

/** The number of clients that connect together when clients connect in groups. */
const GROUP = 100;
/** Deliveries until a client uses the direct lane, if the server has one. */
const GREETINGS = 4;

/**
 * Memory for a poll that is held. Clients connect one after another, with garbage collections in
 * between. So the process grows by the memory of held polls, not by a peak of simultaneous polls.
 */
export function memory(clients: number): Scenario {
  const few = clients / 10;
  return {
    title: `A held poll, ${clients} of them`,
    unit: 'KiB',
    run: (server, protocol) => {
      const topicsOf = (index: number): string[] => [`t${Math.floor(index / GROUP)}`];
      return measured(server, { count: 0, protocol, topicsOf }, async (bench) => {
        const grownTo = async (count: number, from = 0): Promise<number> => {
          for (let index = from; index < count; index += GROUP) {
            const serials = Array.from({ length: GREETINGS }, (_, nth) => (index / GROUP) * GREETINGS + nth + 1);
            await bench.grow(GROUP, `t${index / GROUP}`, serials);
          }
          await bench.report({ collect: true });
          return (await bench.report({ collect: true })).rssBytes;
        };
        // Before this point, the process has allocated its own memory and the memory of earlier
        // load.
        const before = await grownTo(few);
        return ((await grownTo(clients, few)) - before) / 1024 / (clients - few);
      });
    },
  };
}

/** The longest time in which the event loop is blocked while `clients` polls are answered. */
export function stall(clients: number): Scenario {
  return {
    title: `The event loop is blocked while ${clients} polls are answered`,
    unit: 'ms',
    run: (server, protocol) =>
      measured(server, { count: clients, protocol }, async (bench) => {
        for (let serial = 1; serial <= 5; serial++) await bench.cycle([[serial, 'orders']], 1);
        await bench.report({ watch: true, collect: true });
        return medianOf({ warmUp: 1, cycles: 5 }, async (cycle) => {
          await bench.report();
          // The measurement restarts with each report, and is valid from the second one.
          await pause(WATCH_AGAIN_MS);
          await bench.cycle([[5 + cycle, 'orders']], 1);
          return bench.blockedMs;
        });
      }),
  };
}

async function measured(
  server: string,
  audience: Parameters<typeof Bench.open>[1],
  measure: (bench: Bench) => Promise<number>,
): Promise<Run> {
  const bench = await Bench.open(server, audience);
  try {
    await bench.spent();
    const figure = await measure(bench);
    const { lost, doubled } = bench.clients;
    return { figure, lost, doubled };
  } finally {
    await bench.close();
  }
}

/**
 * A server needs fewer warm-up cycles if there are many clients, or many answers for each client.
 */
function cyclesFor(clients: number): { warmUp: number; cycles: number } {
  const share = Math.min(1, 1_000 / clients);
  return { warmUp: Math.max(4, Math.round(WARM_UP * share)), cycles: Math.max(7, Math.round(CYCLES * share)) };
}

async function medianOf(
  { warmUp, cycles }: { warmUp: number; cycles: number },
  cycle: (nth: number) => Promise<number>,
): Promise<number> {
  const figures: number[] = [];
  for (let nth = 1; nth <= warmUp + cycles; nth++) {
    const figure = await cycle(nth);
    if (nth > warmUp) figures.push(figure);
  }
  return median(figures);
}
