import 'reflect-metadata';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type DynamicModule } from '@nestjs/common';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { NotificationsModule, type Page } from 'nest-notifications';
import openapiTS, { astToString, type OpenAPI3 } from 'openapi-typescript';
import ts from 'typescript';
import { z } from 'zod';
import { express } from '../support/http/adapters.js';
import { startApp } from '../support/http/app.js';
import { endTest } from '../support/http/cleanup.js';
import { documentOf, type TestDocument } from './documents.js';

const schemas = { 'order.shipped': z.object({ orderId: z.number() }), mention: z.object({ by: z.string() }) };
const access = { read: 'public', publish: 'public' } as const;
const version = '3.1';

/** A client, and the feed for which it is generated. */
interface Client {
  readonly feed: DynamicModule;
  /** The compiler checks each use of a field. */
  readonly program: string;
}

/** The feed has declared types only, so the client knows the data of each type. */
const CLOSED: Client = {
  feed: NotificationsModule.forRoot({ access, schemas, openApi: { version, otherTypes: false } }),
  program: `
import createClient from 'openapi-fetch';
import type { components, paths } from './paths.js';

export async function run(baseUrl: string): Promise<unknown> {
  const client = createClient<paths, 'application/json'>({ baseUrl });
  const item: components['schemas']['FeedItem'] = { topic: 'orders', type: 'order.shipped', data: { orderId: 7 } };
  const published = await client.POST('/notifications', { body: [item] });
  if (published.error) throw new Error(published.error.code);
  const query = { topic: ['orders'], cursor: 'earliest', wait: 0 };
  const { data, error } = await client.GET('/notifications', { params: { query } });
  if (error) throw new Error(error.message);
  const { notifications, cursor, more } = data;
  const shown = notifications.map((one) => (one.type === 'order.shipped' ? one.data.orderId + 1 : one.data.by.length));
  // @ts-expect-error The data of this type has no other field.
  const wrong: components['schemas']['FeedItem'] = { topic: 'orders', type: 'mention', data: { orderId: 7 } };
  return [...shown, cursor.length > 0, more, wrong.type];
}
`,
};

/** The feed also has a type without a schema. */
const OPEN: Client = {
  feed: NotificationsModule.forRoot({ access, schemas, openApi: { version } }),
  program: `
import createClient from 'openapi-fetch';
import type { components, paths } from './paths.js';

export async function run(baseUrl: string): Promise<unknown> {
  const client = createClient<paths, 'application/json'>({ baseUrl });
  const items: components['schemas']['FeedItem'][] = [
    { topic: 'orders', type: 'order.shipped', data: { orderId: 7 } },
    { topic: 'orders', type: 'order.lost', data: { since: 'May' } },
  ];
  const published = await client.POST('/notifications', { body: items });
  if (published.error) throw new Error(published.error.code);
  const query = { topic: ['orders'], cursor: 'earliest', wait: 0 };
  const { data, error } = await client.GET('/notifications', { params: { query } });
  if (error) throw new Error(error.message);
  // @ts-expect-error The data of a notification is not known before it is checked.
  data.notifications[0]?.data.orderId;
  return data;
}
`,
};

const cache = join(import.meta.dirname, '../../node_modules/.cache');
let folder: string;

// Inside the repository, so that the program finds the libraries.
beforeAll(() => {
  mkdirSync(cache, { recursive: true });
  folder = mkdtempSync(join(cache, 'generated-client-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

afterEach(endTest);

test('a generated client compiles, publishes and polls', async () => {
  const closed = await generate('closed', CLOSED);
  const document = await generate('open', OPEN);
  expect(compile(['closed', 'open'].map((name) => join(folder, name, 'program.ts')))).toEqual([]);
  expect(await run('closed', CLOSED)).toEqual([8, true, false, 'mention']);

  const page = (await run('open', OPEN)) as Page;
  expect(page.notifications.map(({ type }) => type)).toEqual(['order.shipped', 'order.lost']);
  const isValid = validatorOf(document, 'FeedPage');
  expect([isValid(page), isValid.errors]).toEqual([true, null]);
  expect(validatorOf(closed, 'FeedPage')(page)).toBe(false);
  // The member for other types does not allow wrong data of a declared type.
  const [shipped] = page.notifications;
  expect(isValid({ ...page, notifications: [{ ...shipped, data: { orderId: 'seven' } }] })).toBe(false);
});

/** Writes a client and its generated types into a folder. Returns the document. */
async function generate(name: string, { feed, program }: Client): Promise<TestDocument> {
  const document = await documentOf({ imports: [feed], version: `${version}.0` });
  mkdirSync(join(folder, name));
  writeFileSync(join(folder, name, 'paths.ts'), astToString(await openapiTS(document as unknown as OpenAPI3)));
  writeFileSync(join(folder, name, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, name, 'program.ts'), program);
  return document;
}

/** Runs a compiled client against its feed. */
async function run(name: string, { feed }: Client): Promise<unknown> {
  const app = await startApp(express, { imports: [feed] });
  const program = (await import(pathToFileURL(join(folder, name, 'program.js')).href)) as {
    run: (url: string) => Promise<unknown>;
  };
  return program.run(`http://127.0.0.1:${app.port}`);
}

/** Checks values as a client does that validates answers against the document. */
function validatorOf(document: TestDocument, component: string): ValidateFunction {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema(document, 'document');
  return ajv.compile({ $ref: `document#/components/schemas/${component}` });
}

/** Compiles programs to JavaScript beside them, and returns the errors. */
function compile(files: readonly string[]): string[] {
  const options: ts.CompilerOptions = {
    strict: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
    types: [],
  };
  const program = ts.createProgram(files, options);
  const { diagnostics } = program.emit();
  const all = [...ts.getPreEmitDiagnostics(program), ...diagnostics];
  return all.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}
