import 'reflect-metadata';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { NotificationsModule } from 'nest-notifications';
import openapiTS, { astToString, type OpenAPI3 } from 'openapi-typescript';
import ts from 'typescript';
import { z } from 'zod';
import { express } from '../support/http/adapters.js';
import { startApp } from '../support/http/app.js';
import { endTest } from '../support/http/cleanup.js';
import { documentOf } from './documents.js';

const schemas = { 'order.shipped': z.object({ orderId: z.number() }), mention: z.object({ by: z.string() }) };
const feed = NotificationsModule.forRoot({ access: { read: 'public', publish: 'public' }, schemas });

/** An application that uses the generated types. The compiler checks each use of a field. */
const PROGRAM = `
import createClient from 'openapi-fetch';
import type { components, paths } from './paths.js';

export async function run(baseUrl: string): Promise<string[]> {
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
  return [...shown, cursor.length > 0, more, wrong.type].map(String);
}
`;

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
  const document = await documentOf({ imports: [feed], version: '3.1.0' });
  writeFileSync(join(folder, 'paths.ts'), astToString(await openapiTS(document as unknown as OpenAPI3)));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const file = join(folder, 'program.ts');
  writeFileSync(file, PROGRAM);
  expect(compile(file)).toEqual([]);

  const app = await startApp(express, { imports: [feed] });
  const { run } = (await import(pathToFileURL(join(folder, 'program.js')).href)) as {
    run: (url: string) => Promise<string[]>;
  };
  expect(await run(`http://127.0.0.1:${app.port}`)).toEqual(['8', 'true', 'false', 'mention']);
});

/** Compiles a program to JavaScript beside it, and returns the errors. */
function compile(file: string): string[] {
  const options: ts.CompilerOptions = {
    strict: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
    types: [],
  };
  const program = ts.createProgram([file], options);
  const { diagnostics } = program.emit();
  const all = [...ts.getPreEmitDiagnostics(program), ...diagnostics];
  return all.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}
