/**
 * The imports that each folder of src may have. test/layout.test.ts checks them, and
 * eslint.config.mjs shows breaches in an editor.
 *
 * @typedef {object} ImportRule
 * @property {string} folder in src
 * @property {string[]} folders other folders of src it may import; '' is src itself: its entries
 * @property {string[]} [typesOf] folders of src it may import types of, and only types
 * @property {string[]} packages packages and Node modules it may import; one that ends with `/` or
 * `:` allows all below it
 * @property {Record<string, string[]>} [also] further imports of some files, by the start of their
 * paths in src
 * @property {Record<string, string[]>} [alsoFolders] further folders of some files, in the same way
 * @property {string} why
 */

/** @type {ImportRule[]} */
export const importRules = [
  {
    folder: 'core',
    folders: [],
    packages: ['rxjs'],
    why: 'core imports nothing but rxjs, so that the delivery guarantees can be read and tested without Nest, HTTP or an engine',
  },
  {
    folder: 'wire',
    folders: ['core'],
    packages: ['ipaddr.js', 'lru-cache', 'negotiator'],
    // Hashes and ciphers have no side effects, so `wire` stays pure.
    also: {
      'wire/cursor.ts': ['node:crypto', 'node:zlib'],
      'wire/idempotency.ts': ['node:crypto', 'node:util'],
      'wire/keys.ts': ['node:crypto'],
      'wire/ticket.ts': ['node:crypto'],
    },
    why: 'wire turns requests and pages into bytes and back and is pure: it imports core, and no framework, socket or engine',
  },
  {
    folder: 'openapi',
    folders: ['core', 'wire'],
    packages: ['@standard-schema/spec'],
    why: 'openapi turns options into parts of documents and is pure: it imports core and wire, and no framework',
  },
  {
    folder: 'nest',
    folders: ['core', 'openapi', 'wire', 'stores'],
    packages: [
      '@nestjs/',
      '@standard-schema/spec',
      'content-type',
      'lru-cache',
      'negotiator',
      'node:',
      'proxy-addr',
      'rxjs',
    ],
    why: 'nest connects core, wire and stores to a Nest application. It has no imports to or from the client and the testing kit',
  },
  {
    folder: 'stores',
    folders: ['core'],
    packages: ['lru-cache'],
    also: {
      'stores/sqlite/': ['libsql', 'node:fs', 'node:path', 'node:sqlite'],
      'stores/redis/': ['ioredis'],
      'stores/postgres/': ['pg'],
      'stores/nats/': ['@nats-io/'],
    },
    why: 'a store imports core and its own client library, so that no application loads an engine it does not use',
  },
  {
    folder: 'inbox',
    folders: ['core'],
    packages: [],
    also: { 'inbox/nest/': ['@nestjs/', 'lru-cache', 'node:async_hooks', 'node:crypto', 'rxjs'] },
    alsoFolders: { 'inbox/nest/': ['nest', 'openapi', 'stores', 'wire'], 'inbox/inbox-description.ts': ['openapi'] },
    why: 'the state of an inbox is a pure function of the log and imports core; only inbox/nest knows requests and Nest',
  },
  {
    folder: 'telemetry',
    folders: ['core'],
    packages: [],
    also: {
      'telemetry/nest/': ['@nestjs/'],
      'telemetry/prometheus/': ['@nestjs/', 'prom-client'],
      'telemetry/opentelemetry/': ['@nestjs/', '@opentelemetry/api'],
    },
    alsoFolders: { 'telemetry/nest/': ['nest'] },
    why: 'telemetry measures a feed through the observer of core. Only telemetry/nest knows the module, and each entry imports its own library, so that no application loads one it does not use',
  },
  {
    folder: 'inspector',
    folders: ['core', 'nest', 'telemetry', 'wire'],
    packages: ['@nestjs/', 'node:http'],
    alsoFolders: { 'inspector/page/': ['client'] },
    why: 'the inspector shows feeds to operators: it observes core through telemetry, and no store or inbox depends on it. Only its page runs in browsers, and shares small parts with the client',
  },
  {
    folder: 'client',
    folders: ['wire'],
    typesOf: ['core', 'inbox'],
    packages: [],
    also: { 'client/react.ts': ['react'], 'client/inbox/react.ts': ['react'] },
    why: 'client runs in browsers and must stay small: it imports types of core and inbox, constants of wire, nothing of Node',
  },
  {
    folder: 'testing',
    folders: ['core'],
    packages: ['node:assert', 'rxjs'],
    why: 'the testing kit is for authors of stores, with any test runner: it imports core, and no driver, framework or runner',
  },
  {
    folder: 'schematics',
    folders: [],
    packages: ['typescript'],
    why: 'schematics edit the files of another project: they need its compiler, and nothing of the library',
  },
  {
    folder: 'demo',
    folders: ['', 'inbox', 'stores'],
    packages: ['@nestjs/', 'node:'],
    why: 'demo is an application like any other: it uses the library through its entries',
  },
];

/**
 * Whether a list of `packages` allows a specifier.
 *
 * @param {string[]} packages
 * @param {string} specifier
 */
export function allows(packages, specifier) {
  return packages.some((name) =>
    /[/:]$/.test(name) ? specifier.startsWith(name) : specifier === name || specifier.startsWith(`${name}/`),
  );
}
