/**
 * Writes the API reference from the TSDoc of every entry of the package into docs/api, as Markdown.
 * A warning of TypeDoc is an error.
 */
import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Application } from 'typedoc';
import { REPOSITORY } from './code-host.mjs';
import { API, docs } from './pages.mjs';

const root = join(docs, '..');

/** The entries of package.json with the sources that they are compiled from. */
function entries() {
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return Object.entries(manifest.exports)
    .filter(([, target]) => typeof target === 'object')
    .map(([key, { types }]) => ({
      name: posix.join(manifest.name, key),
      source: posix.normalize(types).replace(/^dist\/(.*)\.d\.ts$/, 'src/$1.ts'),
    }));
}

const names = new Map(entries().map(({ name, source }) => [source, name]));
const app = await Application.bootstrapWithPlugins({
  plugin: [fileURLToPath(import.meta.resolve('typedoc-plugin-markdown'))],
  entryPoints: [...names.keys()].map((source) => join(root, source)),
  tsconfig: join(root, 'tsconfig.json'),
  basePath: root,
  // `npm test` compiles the sources before this.
  skipErrorChecking: true,
  out: join(docs, API),
  name: 'API reference',
  readme: 'none',
  entryFileName: 'index',
  excludePrivate: true,
  excludeInternal: true,
  disableGit: true,
  sourceLinkTemplate: `${REPOSITORY}/blob/main/src/{path}#L{line}`,
  validation: { notExported: true, invalidLink: true, notDocumented: true },
  // Members such as `id` need no sentence of their own.
  requiredToBeDocumented: ['Class', 'Enum', 'Function', 'Interface', 'TypeAlias', 'Variable'],
  // Parts of a literal type, which the comment of the whole describes.
  intentionallyNotDocumented: [
    'nest-notifications.AccessProvider.__type.useFactory',
    'nest-notifications/client.NotificationsFeed.subscribe.__type.unsubscribe',
    'nest-notifications/client.Subscribable.subscribe.__type.unsubscribe',
    'nest-notifications/testing.StoreContractOptions.trim.__type.open',
  ],
  // Helpers of other types, and parameters that only Nest passes.
  intentionallyNotExported: [
    'AnyRules',
    'Declared',
    'FeedDefinition',
    'Inbox',
    'Matching',
    'MaybePromise',
    'PublishContext',
    'Result',
  ],
  // Text such as <user> in a comment is no HTML.
  sanitizeComments: true,
  hidePageHeader: true,
  hideBreadcrumbs: true,
  useCodeBlocks: true,
  navigationJson: join(docs, API, 'navigation.json'),
});
const project = await app.convert();
if (!project) process.exit(1);
// TypeDoc names a module by its file. Readers know it by the name that they import.
for (const module of project.children ?? []) module.name = names.get(module.sources[0].fileName) ?? module.name;
app.validate(project);
await app.generateOutputs(project);
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exit(1);
