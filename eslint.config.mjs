import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { importRules } from './scripts/import-rules.mjs';
import { typeErrors } from './scripts/type-errors.mjs';

const nodeGlobals = [
  'console',
  'fetch',
  'performance',
  'process',
  'URL',
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
];

const browserGlobals = [
  'AbortController',
  'AbortSignal',
  'Event',
  'EventSource',
  'TextEncoder',
  'URLSearchParams',
  'addEventListener',
  'cancelAnimationFrame',
  'clearTimeout',
  'crypto',
  'dispatchEvent',
  'document',
  'fetch',
  'location',
  'matchMedia',
  'performance',
  'removeEventListener',
  'requestAnimationFrame',
  'setInterval',
  'setTimeout',
];

/** Names that only a browser has. Some are easily used by mistake, such as `name` or `event`. */
const onlyInBrowsers = [
  ...['document', 'window', 'self', 'location', 'history', 'navigator', 'screen', 'localStorage', 'sessionStorage'],
  ...['name', 'event', 'status', 'length', 'origin', 'parent', 'top', 'open', 'close', 'stop', 'find', 'print'],
  ...[
    'HTMLElement',
    'customElements',
    'addEventListener',
    'removeEventListener',
    'dispatchEvent',
    'requestAnimationFrame',
  ],
];

/** Files with a function of more than three parameters, and the reason. */
const manyParameters = [
  { file: 'src/nest/notifications.module.ts', why: 'Nest injects by parameter' },
  { file: 'src/nest/http/adapter-hooks.ts', why: 'Express knows an error handler by its four parameters' },
  { file: 'src/core/waiter.ts', why: 'one is made per request, and an object per waiter costs memory' },
  { file: 'src/nest/direct-lane/poll.ts', why: 'one is made per request, and an object per poll costs memory' },
  { file: 'src/client/connection.ts', why: 'its four parts are of equal rank' },
  { file: 'src/stores/redis/script.ts', why: 'client, script, arguments and replicas to wait for' },
  { file: 'src/stores/shared/options.ts', why: 'driver, values, rules and the names of other options' },
  { file: 'src/testing/contract/model.ts', why: 'a local helper of a check' },
  { file: 'src/testing/contract/tail.ts', why: 'a local helper of a check' },
];

/** Files of test/ that wait for real time, and the reason. Others use `until` or a clock. */
const realTime = [
  { file: 'test/support/time/*.ts', why: 'the helpers' },
  { file: 'test/support/engines/*.ts', why: 'a check whether a program has started or ended is repeated' },
  { file: 'test/support/stores/redis.ts', why: 'callers pause before they retry' },
  { file: 'test/support/tcp/link.ts', why: 'a fault of a connection is a delay' },
  { file: 'test/cluster/clients.ts', why: 'clients pause before they retry' },
  { file: 'test/cluster/cluster.ts', why: 'a process manager pauses before it restarts a node' },
  { file: 'test/cluster/faulty-cluster.ts', why: 'a fault of a process is a random length of time' },
  { file: 'test/cluster/rolling.test.ts', why: 'an application pauses between two publishes' },
  { file: 'test/e2e/third-party.test.ts', why: 'clients pause before they reconnect' },
  { file: 'test/leaks/soak.test.ts', why: 'a load has a rate, and the heap is measured over time' },
  { file: 'test/nest/security-events.test.ts', why: 'RxJS reports an error from a timer of the runtime' },
  { file: 'test/stores/nats-child.ts', why: 'callers pause before they retry' },
  { file: 'test/stores/nats-recovery.test.ts', why: 'callers pause before they retry, and a server hangs for a while' },
  { file: 'test/stores/postgres-engine.test.ts', why: 'callers pause before they retry' },
  { file: 'test/stores/sqlite-child.ts', why: 'callers pause before they retry' },
];
const NO_REAL_TIME = 'A test waits for a condition (`until`), an event or a clock, not for a length of time.';

/** The shop has libraries of its own. Its types are unknown until they are installed. */
const hasShop = existsSync(join(import.meta.dirname, 'examples/shop/node_modules/.library'));

export default defineConfig(
  {
    ignores: [
      'dist/',
      'packages/client/dist/',
      'docs/.vitepress/dist/',
      'coverage/',
      '**/node_modules/',
      'test/consumer/',
      'test/asyncapi/',
      'test/orms/',
      'test/pm2/',
      'test/new-project/',
      'examples/shop/dist/',
      ...(hasShop ? [] : ['examples/shop/{server,shared,web,test}/']),
    ],
  },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.test.json', tsconfigRootDir: import.meta.dirname } },
    plugins: { compiler: { rules: { 'type-errors': typeErrors } } },
    rules: {
      'compiler/type-errors': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      eqeqeq: 'error',
      // Nest's modules and controllers are classes, empty or not.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // A method that returns a promise is async even without `await`, so that its errors are
      // rejections.
      '@typescript-eslint/require-await': 'off',
      // Nest declares some of its options as classes, and applications pass literals.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      // The compiler's noUnusedLocals and noUnusedParameters see more: a value used in `typeof`
      // only is used.
      '@typescript-eslint/no-unused-vars': 'off',
      // It calls assertions unnecessary that widen what the compiler would narrow, as for
      // JSON.stringify's undefined.
      '@typescript-eslint/no-unnecessary-type-assertion': 'off',
    },
  },
  {
    files: ['examples/shop/**/*.{ts,tsx}'],
    languageOptions: {
      parserOptions: {
        project: ['examples/shop/tsconfig.json', 'examples/shop/web/tsconfig.json'],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      // Its own tests compile it.
      'compiler/type-errors': 'off',
      // The runner awaits them.
      '@typescript-eslint/no-floating-promises': [
        'error',
        { allowForKnownSafeCalls: [{ from: 'package', name: ['describe', 'it'], package: 'node:test' }] },
      ],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/main.ts'],
    // A library speaks through its host's logger.
    rules: { 'no-console': 'error' },
  },
  {
    files: ['src/**/*.ts'],
    ignores: manyParameters.map(({ file }) => file),
    rules: { '@typescript-eslint/max-params': ['error', { max: 3 }] },
  },
  {
    // The types of the element bring the names of a browser into the whole program.
    files: ['src/**/*.ts'],
    ignores: ['src/client/inbox-element/*.ts', 'src/inspector/page/*.ts'],
    rules: { 'no-restricted-globals': ['error', ...onlyInBrowsers] },
  },
  importRules.map(boundary),
  {
    // ESLint takes the client's own folder `../inbox` for src/inbox. test/layout.test.ts does not.
    files: ['src/client/inbox-element/*.ts'],
    rules: { '@typescript-eslint/no-restricted-imports': 'off' },
  },
  {
    files: ['test/**/*.ts', 'examples/**/*.{ts,tsx}', 'bench/**/*.ts'],
    rules: {
      // A response's parsed body is `any`; the assertion that follows says what it must be.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    files: ['test/**/*.ts'],
    ignores: realTime.map(({ file }) => file),
    rules: {
      'no-restricted-globals': [
        'error',
        ...['setTimeout', 'setInterval'].map((name) => ({ name, message: NO_REAL_TIME })),
      ],
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          paths: ['node:timers', 'node:timers/promises'].map((name) => ({
            name,
            importNames: ['setTimeout', 'setInterval', 'scheduler'],
            message: NO_REAL_TIME,
          })),
          patterns: [{ regex: '/time/pause\\.js$', message: NO_REAL_TIME }],
        },
      ],
    },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: { globals: Object.fromEntries(nodeGlobals.map((name) => [name, 'readonly'])) },
  },
  {
    files: ['src/demo/assets/*.js', 'examples/*.js'],
    languageOptions: { globals: Object.fromEntries(browserGlobals.map((name) => [name, 'readonly'])) },
  },
  prettier,
);

/**
 * One folder's rule as ESLint can say it, which is a little looser than test/layout.test.ts on the
 * same table.
 */
function boundary({ folder, folders: own, typesOf = [], packages, also = {}, alsoFolders = {}, why }) {
  const folders = [...own, ...Object.values(alsoFolders).flat()];
  const outside = importRules
    .map((rule) => rule.folder)
    .filter((other) => other !== folder && !folders.includes(other));
  const typesOnly = outside.filter((other) => typesOf.includes(other));
  const entries = folders.includes('') ? ['main\\.js$'] : ['index\\.js$', 'main\\.js$'];
  const never = [...outside.filter((other) => !typesOf.includes(other)), ...entries];
  const message = `${why} (scripts/import-rules.mjs).`;
  const patterns = [
    { regex: `^(?!\\.{1,2}/)${butNot([...packages, ...Object.values(also).flat()])}`, message },
    { regex: `^(?:\\.\\./)+(?:${never.join('|')})(?:/|$)`, message },
  ];
  if (typesOnly.length > 0) {
    patterns.push({ regex: `^(?:\\.\\./)+(?:${typesOnly.join('|')})/`, allowTypeImports: true, message });
  }
  return {
    files: [`src/${folder}/**/*.ts`],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] },
  };
}

function butNot(packages) {
  if (packages.length === 0) return '';
  return `(?!${packages.map((name) => (/[/:]$/.test(name) ? name : `${name}(?:/|$)`)).join('|')})`;
}
