import { appModuleWith } from './app-module.js';
import { exampleController } from './example-controller.js';
import { packageWith } from './package-json.js';
import { accessText, type NestAddOptions, STORES } from './nest-add-options.js';

/** The part of a schematic's tree that this schematic uses. */
export interface SchematicTree {
  exists(path: string): boolean;
  read(path: string): Uint8Array | null;
  create(path: string, content: string): void;
  overwrite(path: string, content: string): void;
}

/** The part of a schematic's context that this schematic uses. */
export interface SchematicContext {
  readonly logger: { info(message: string): void };
}

const MODULE_FILE = 'app.module.ts';
const GUIDE = 'https://github.com/nest-notifications/nest-notifications/blob/main/docs/getting-started.md';
const CONTROLLER_FILE = 'notifications-example.controller';

/**
 * The schematic of `nest add nest-notifications`. It imports `NotificationsModule` in `AppModule`,
 * adds an example controller, and lets Jest compile the package if the project needs it. A repeat
 * changes nothing.
 */
export function nestAdd(options: NestAddOptions): (tree: SchematicTree, context: SchematicContext) => void {
  const { sourceRoot = 'src', store = 'memory', access = 'public' } = options;
  return (tree, { logger }) => {
    const path = `${sourceRoot}/${MODULE_FILE}`;
    const before = textOf(tree, path);
    if (before === undefined)
      throw new Error(`${path} is missing: import NotificationsModule by hand, as ${GUIDE} shows`);
    if (before.includes('NotificationsModule')) {
      logger.info(`${path} imports NotificationsModule already. Nothing was changed.`);
      return;
    }
    const { entry, call, packages } = STORES[store];
    const fields = ['isGlobal: true', accessText(access), ...(call === undefined ? [] : [`store: ${call}`])];
    const text = appModuleWith(before, {
      fields,
      storeImport: entry === undefined ? undefined : { entry, name: `${store}Store` },
      controllerFile: `./${CONTROLLER_FILE}`,
    });
    tree.overwrite(path, text);
    const controller = `${sourceRoot}/${CONTROLLER_FILE}.ts`;
    if (!tree.exists(controller)) tree.create(controller, exampleController(access));
    const manifest = textOf(tree, 'package.json');
    if (manifest !== undefined) tree.overwrite('package.json', packageWith(manifest, packages));
    const names = Object.keys(packages);
    if (names.length > 0)
      logger.info(`Run npm install: ${names.join(' and ')} ${names.length > 1 ? 'are' : 'is'} new in package.json.`);
    const route = access === 'user' ? 'example/ann' : 'example';
    logger.info(`Publish with: curl -X POST http://127.0.0.1:3000/${route}`);
    if (access === 'user') logger.info('Reads are refused (403) until a guard of your application sets request.user.');
  };
}

function textOf(tree: SchematicTree, path: string): string | undefined {
  const bytes = tree.read(path);
  return bytes === null ? undefined : Buffer.from(bytes).toString('utf8');
}
