import { beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nestAdd, type SchematicTree } from '../../src/schematics/nest-add.js';
import type { NestAddOptions } from '../../src/schematics/nest-add-options.js';

type ModuleType = 'cjs' | 'esm';

/** The files of a project in memory. */
class Project implements SchematicTree {
  readonly #files: Map<string, string>;

  constructor(files: Readonly<Record<string, string>>) {
    this.#files = new Map(Object.entries(files));
  }

  exists(path: string): boolean {
    return this.#files.has(path);
  }

  read(path: string): Uint8Array | null {
    const text = this.#files.get(path);
    return text === undefined ? null : Buffer.from(text);
  }

  create(path: string, content: string): void {
    this.#files.set(path, content);
  }

  overwrite(path: string, content: string): void {
    this.#files.set(path, content);
  }

  readText(path: string): string {
    return this.#files.get(path) ?? '';
  }
}

const program = join(import.meta.dirname, 'new-project.mjs');
const files: Partial<Record<ModuleType, Record<string, string>>> = {};

beforeAll(() => {
  for (const type of ['cjs', 'esm'] as const) {
    const env = { ...process.env, NODE_OPTIONS: '' };
    const output = execFileSync(process.execPath, [program, type], { encoding: 'utf8', env });
    files[type] = JSON.parse(output) as Record<string, string>;
  }
});

/** A new project, as `nest new` of Nest 12 makes it. */
function newProject(type: ModuleType = 'cjs'): Project {
  return new Project(files[type] ?? {});
}

/** Adds the library, and returns the messages. */
function add(tree: Project, options: NestAddOptions = {}): string[] {
  const messages: string[] = [];
  nestAdd(options)(tree, { logger: { info: (text) => messages.push(text) } });
  return messages;
}

/** The project with another AppModule. */
function withModule(text: string): Project {
  const tree = newProject();
  tree.overwrite('src/app.module.ts', text);
  return tree;
}

describe('nest add', () => {
  test.each([
    ['cjs', ''],
    ['esm', '.js'],
  ] as const)('edits the AppModule of a new project (%s), once', (type, extension) => {
    const tree = newProject(type);
    const messages = add(tree);
    expect(tree.readText('src/app.module.ts')).toBe(`import { Module } from '@nestjs/common';
import { AppController } from './app.controller${extension}';
import { AppService } from './app.service${extension}';
import { NotificationsModule } from 'nest-notifications';
import { NotificationsExampleController } from './notifications-example.controller${extension}';

@Module({
  imports: [NotificationsModule.forRoot({
      isGlobal: true,
      access: 'public',
    })],
  controllers: [AppController, NotificationsExampleController],
  providers: [AppService],
})
export class AppModule {}
`);
    expect(tree.readText('src/notifications-example.controller.ts')).toContain(`publish('example', { type:`);
    expect(messages).toEqual(['Publish with: curl -X POST http://127.0.0.1:3000/example']);
    const once = tree.readText('src/app.module.ts');
    expect(add(tree, { store: 'redis' })).toEqual([
      'src/app.module.ts imports NotificationsModule already. Nothing was changed.',
    ]);
    expect(tree.readText('src/app.module.ts')).toBe(once);
  });

  test.each([
    ['sqlite', `sqliteStore({ path: 'notifications.db' })`, ['libsql']],
    ['redis', 'redisStore({ connection: process.env.REDIS_URL', ['ioredis']],
    ['postgres', 'postgresStore({ connectionString: process.env.DATABASE_URL', ['pg']],
    ['nats', 'natsStore({ connection: process.env.NATS_URL', ['@nats-io/jetstream', '@nats-io/transport-node']],
  ] as const)('adds the store %s and its packages', (store, call, packages) => {
    const tree = newProject();
    const messages = add(tree, { store });
    const text = tree.readText('src/app.module.ts');
    expect(text).toContain(`import { ${store}Store } from 'nest-notifications/stores/${store}';`);
    expect(text).toContain(`store: ${call}`);
    const { dependencies } = JSON.parse(tree.readText('package.json')) as { dependencies: Record<string, string> };
    const { peerDependencies } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
      peerDependencies: Record<string, string>;
    };
    for (const name of packages) expect(peerDependencies[name]).toContain(dependencies[name]);
    expect(messages[0]).toContain(packages.join(' and '));
  });

  test('adds rules for the users of a guard', () => {
    const tree = newProject();
    expect(add(tree, { access: 'user' })).toEqual([
      'Publish with: curl -X POST http://127.0.0.1:3000/example/ann',
      'Reads are refused (403) until a guard of your application sets request.user.',
    ]);
    expect(tree.readText('src/app.module.ts')).toContain(`'user.:id': ({ subscriber }, { id }) => id === subscriber`);
    expect(tree.readText('src/notifications-example.controller.ts')).toContain(`topicOf('user', user)`);
  });

  test('keeps the elements of a module, and other decorators', () => {
    const tree = withModule(`import { Global, Module } from '@nestjs/common';
@Global()
@Module({
  imports: [
    A.forRoot({ a: [1] }),
    B,
  ],
})
export class AppModule {}
`);
    add(tree, { access: 'none' });
    expect(tree.readText('src/app.module.ts')).toBe(`import { Global, Module } from '@nestjs/common';
import { NotificationsModule } from 'nest-notifications';
import { NotificationsExampleController } from './notifications-example.controller';
@Global()
@Module({
  controllers: [NotificationsExampleController],
  imports: [
    A.forRoot({ a: [1] }),
    B, NotificationsModule.forRoot({
      isGlobal: true,
      access: {},
    }),
  ],
})
export class AppModule {}
`);
  });

  test.each([
    ['@Module(metadata)\nexport class AppModule {}', 'has no class with @Module'],
    ['@Module({ imports: modules })\nexport class AppModule {}', 'imports of AppModule is not an array'],
  ])('changes nothing if it cannot edit the module: %s', (text, message) => {
    const tree = withModule(text);
    expect(() => add(tree)).toThrow(message);
    expect(tree.exists('src/notifications-example.controller.ts')).toBe(false);
  });

  test.each([
    ['^11.0.1', { testRegex: '.spec' }, ['/node_modules/(?!nest-notifications/)']],
    ['^12.0.0', { testRegex: '.spec' }, undefined],
    ['^11.0.1', { transformIgnorePatterns: ['x'] }, ['x']],
    ['^11.0.1', undefined, undefined],
  ])('with Nest %s and the setting %j of Jest, the patterns are %j', (version, jest, patterns) => {
    const tree = newProject();
    tree.overwrite('package.json', JSON.stringify({ dependencies: { '@nestjs/core': version }, jest }));
    add(tree);
    const after = JSON.parse(tree.readText('package.json')) as { jest?: { transformIgnorePatterns?: string[] } };
    expect(after.jest?.transformIgnorePatterns).toEqual(patterns);
  });
});
