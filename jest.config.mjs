/**
 * Native ES modules: Nest 12 and this package have no CommonJS build, so Jest runs with
 * --experimental-vm-modules (see scripts/test.mjs) and `jest.mock` has no effect. Use Nest's
 * `overrideProvider`, or pass a fake in.
 */

const swc = {
  jsc: {
    target: 'es2022',
    parser: { syntax: 'typescript', decorators: true },
    // The library injects by token and needs no metadata; applications in tests and examples inject
    // by class.
    transform: { legacyDecorator: true, decoratorMetadata: true, verbatimModuleSyntax: true },
    keepClassNames: true,
  },
  sourceMaps: 'inline',
};

/** @type {import('jest').Config} */
export default {
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  modulePathIgnorePatterns: [
    '<rootDir>/dist/',
    '<rootDir>/packages/',
    '<rootDir>/docs/node_modules/',
    '<rootDir>/test/nest11/',
    '<rootDir>/test/consumer/',
    '<rootDir>/test/orms/',
    '<rootDir>/test/asyncapi/',
    '<rootDir>/test/pm2/',
    '<rootDir>/examples/shop/node_modules/',
    '<rootDir>/examples/shop/dist/',
  ],
  testEnvironment: '<rootDir>/test/environment.mjs',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest', swc] },
  moduleNameMapper: {
    '^nest-notifications$': '<rootDir>/src/index.ts',
    '^nest-notifications/client$': '<rootDir>/src/client/index.ts',
    '^nest-notifications/client/tabs$': '<rootDir>/src/client/tabs/index.ts',
    '^nest-notifications/client/inbox$': '<rootDir>/src/client/inbox/index.ts',
    '^nest-notifications/client/inbox-element$': '<rootDir>/src/client/inbox-element/index.ts',
    '^nest-notifications/react$': '<rootDir>/src/client/react.ts',
    '^nest-notifications/testing$': '<rootDir>/src/testing/index.ts',
    '^nest-notifications/inbox$': '<rootDir>/src/inbox/index.ts',
    '^nest-notifications/inspector$': '<rootDir>/src/inspector/index.ts',
    '^nest-notifications/asyncapi$': '<rootDir>/src/nest/openapi/asyncapi.ts',
    '^nest-notifications/terminus$': '<rootDir>/src/nest/lifecycle/terminus.ts',
    '^nest-notifications/opentelemetry$': '<rootDir>/src/telemetry/opentelemetry/index.ts',
    '^nest-notifications/prometheus$': '<rootDir>/src/telemetry/prometheus/index.ts',
    '^nest-notifications/store$': '<rootDir>/src/stores/index.ts',
    '^nest-notifications/stores/(\\w+)$': '<rootDir>/src/stores/$1/index.ts',
    // The client's bundle, which the build makes. Tests make it from the sources.
    '^\\.{1,2}/(?:client-file/)?bundled-client\\.js$': '<rootDir>/test/support/bundled-client.ts',
    // The page of the inspector, in the same way.
    '^\\.{1,2}/(?:inspector/)?page-files\\.js$': '<rootDir>/test/support/page-files.ts',
    // Sources import './x.js', as Node requires; on disk the file is './x.ts'. The real .js comes
    // first for packages' own files.
    '^(\\.{1,2}/.*)\\.js$': ['$1.js', '$1.ts'],
  },
  // One more than small machines have cores: a suite waits for its processes, engines and browsers
  // a third of its time.
  maxWorkers: 3,
  // With a limit Jest always uses workers, also for one file. There test/environment.mjs sees the
  // suite's own timers only, and a run cannot hang on what a suite left behind. (With -i both are
  // off.)
  workerIdleMemoryLimit: '1GB',
  // The event loop of a worker is empty 10 ms after its last suite. On a busy machine the process
  // then needs more than the default of 500 ms to free its heap, and Jest would report a leak.
  workerGracefulExitTimeout: 10_000,
  // Patience for a busy machine: three suites share two cores with browsers, engines and programs
  // that start.
  testTimeout: 60_000,
  // Never forceExit: test/environment.mjs fails a suite that leaves something open.
};
