/**
 * The parts of `npm run proof`. Each has its test files (by a part of their paths), the variables
 * that make them longer, and the counts of its report.
 *
 * @typedef {object} Part
 * @property {string} name
 * @property {string} what in a sentence
 * @property {string[]} tests empty for the part that runs scripts/mutants.mjs
 * @property {(sizes: Record<string, number>) => Record<string, string>} env
 * @property {(outcome: Outcome) => { count: number, unit: string }} count
 *
 * @typedef {object} Outcome
 * @property {number} passed tests
 * @property {Record<string, any>[]} details the results that tests print, as lines of JSON that
 * begin with {"proof":
 * @property {Record<string, number>} sizes
 */

/** The sizes of the long form, by the name of the flag that changes them. */
export const SIZES = {
  /** Seeds of the simulation. */
  seeds: 100_000,
  /** Seeds of the simulation for each planted bug. */
  'mutant-seeds': 2_000,
  /** Runs of each property test. */
  runs: 20_000,
  /** Seeds of the fault tests with real processes, for each engine. */
  'fault-seeds': 10,
  /** Faults in each run of these tests. */
  'fault-steps': 8,
  /** Clients that connect and leave, on each adapter. */
  cycles: 34_000,
  /** The duration of this part in seconds. */
  soak: 600,
};

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

/** The suites of the Redis store that run on every engine of its kind. */
const REDIS_SUITES = [
  'test/stores/redis.test',
  'test/stores/redis-(calls|full|loss|failover|sentinel|cluster)',
  'test/cluster/redis',
];

/** Programs that `node scripts/engines.mjs` installs. */
const otherEngine = (path) => `node_modules/.cache/engines/${path}`;

/** @type {Part[]} */
export const PARTS = [
  {
    name: 'contract',
    what: 'Every store against the contract, which compares random calls with a plain list.',
    tests: ['test/stores/(memory|sqlite|redis|redis-ioredis-5|postgres).test', 'test/stores/nats-(contract|scale)'],
    env: () => ({}),
    count: ({ passed }) => ({ count: passed, unit: 'checks' }),
  },
  {
    name: 'simulation',
    what: 'The core on a simulated clock, with all kinds of faults. Each seed is a different history.',
    tests: ['test/simulation'],
    env: ({ seeds }) => ({ SIMULATION_SEEDS: String(seeds) }),
    count: ({ sizes }) => ({ count: sizes.seeds, unit: 'seeds' }),
  },
  {
    name: 'mutants',
    what: 'Bugs planted in the library, one at a time. The tests must detect each one.',
    tests: [],
    env: () => ({}),
    count: ({ details }) => ({ count: details[0]?.mutants ?? 0, unit: 'planted bugs' }),
  },
  {
    name: 'properties',
    what: 'Cursors, requests, pages, topic patterns and event streams with generated input, also read by other parsers.',
    tests: ['test/wire/properties'],
    env: ({ runs }) => ({ FAST_CHECK_RUNS: String(runs) }),
    count: ({ passed, sizes }) => ({ count: passed * sizes.runs, unit: 'inputs' }),
  },
  {
    name: 'faults',
    what: 'Two real nodes on each engine. Connections, nodes and engines fail by seed, and clocks jump by an hour.',
    tests: ['test/cluster/faults'],
    env: (sizes) => ({ FAULT_SEEDS: String(sizes['fault-seeds']), FAULT_STEPS: String(sizes['fault-steps']) }),
    count: ({ details }) => ({ count: sum(details.map(({ done }) => done.length)), unit: 'disturbances' }),
  },
  {
    name: 'processes',
    what: 'Crashes, full and read-only disks, clocks, nginx and HAProxy in front, rolling restarts.',
    tests: [
      'test/cluster/(sqlite|redis|postgres|nats|full-disk|rolling)',
      'test/stores/(sqlite-crash|sqlite-restore|nats-cluster|redis-(calls|full|loss|failover|sentinel|cluster)|postgres-(failover|notify)|nats-recovery|clock-jumps)',
      'test/e2e/proxies',
    ],
    env: () => ({}),
    count: ({ passed }) => ({ count: passed, unit: 'tests' }),
  },
  {
    name: 'valkey',
    what: 'The Redis store on Valkey 8: the contract, losses, failover, Sentinel and Cluster.',
    tests: REDIS_SUITES,
    env: () => ({ REDIS_SERVER: otherEngine('valkey-8/bin/valkey-server') }),
    count: ({ passed }) => ({ count: passed, unit: 'tests' }),
  },
  {
    name: 'redis-newest',
    what: 'The Redis store on the newest Redis: the contract, losses, failover, Sentinel and Cluster.',
    tests: REDIS_SUITES,
    env: () => ({ REDIS_SERVER: otherEngine('redis-newest/bin/redis-server') }),
    count: ({ passed }) => ({ count: passed, unit: 'tests' }),
  },
  {
    name: 'leaks',
    what: 'Clients that disconnect in every phase of a request. Ended requests can be garbage collected.',
    tests: ['test/leaks/(aborts|collectable)'],
    env: ({ cycles }) => ({ ABORT_CYCLES: String(cycles) }),
    count: ({ details }) => ({ count: sum(details.map(({ cycles }) => cycles)), unit: 'aborted requests' }),
  },
  {
    name: 'soak',
    what: 'Mixed load: polls, streams, clients that disconnect and reconnect. The heap stays flat.',
    tests: ['test/leaks/soak'],
    env: ({ soak }) => ({ SOAK_SECONDS: String(soak) }),
    count: ({ details }) => ({
      count: sum(details.map(({ answered, aborted }) => answered + aborted)),
      unit: 'requests',
    }),
  },
];
