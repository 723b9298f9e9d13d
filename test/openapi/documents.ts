import { expect } from '@jest/globals';
import { type INestApplication, Logger, Module, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { Validator } from '@seriousme/openapi-schema-validator';
import { atTestEnd } from '../support/http/cleanup.js';

export interface DocumentOptions {
  readonly imports: ModuleMetadata['imports'];
  readonly version?: string;
  /** Runs before the document is made. */
  readonly configure?: (app: INestApplication) => unknown;
  readonly builder?: DocumentBuilder;
}

/** An operation of a document, as far as tests read it. */
export interface TestOperation {
  readonly operationId: string;
  readonly tags?: readonly string[];
  readonly security?: readonly object[];
  readonly parameters: readonly { readonly name: string; readonly schema: Record<string, unknown> }[];
  readonly responses: Readonly<Record<string, { readonly content?: Record<string, Record<string, unknown>> }>>;
}

export interface TestDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, TestOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Record<string, unknown>>> };
}

/** Makes the document of an application as `main.ts` does: before the application listens. */
export async function documentOf(options: DocumentOptions): Promise<TestDocument> {
  const { imports = [], version = '3.0.0', configure, builder = new DocumentBuilder() } = options;
  @Module({ imports })
  class AppModule {}
  const app = await NestFactory.create(AppModule, { logger: ['error', 'fatal'] });
  atTestEnd(() => app.close());
  configure?.(app);
  const warnings: unknown[] = [];
  Logger.overrideLogger({ log: ignore, error: ignore, warn: (text: unknown) => warnings.push(text) });
  const document = SwaggerModule.createDocument(app, builder.setTitle('Test').setOpenAPIVersion(version).build());
  Logger.overrideLogger(['error', 'fatal']);
  expect(warnings).toEqual([]);
  await app.init();
  return checked(document);
}

/** It compiles the schemas of the standard once. */
const validator = new Validator();

/** The document as JSON, after checks of the standard and of its references. */
async function checked(document: OpenAPIObject): Promise<TestDocument> {
  const text = JSON.stringify(document);
  const { valid, errors } = await validator.validate(JSON.parse(text) as Record<string, unknown>);
  expect({ valid, errors }).toEqual({ valid: true, errors: undefined });
  const parsed = JSON.parse(text) as TestDocument;
  const references = [...text.matchAll(/"(#\/components\/schemas\/[^"]+)"/g)].map(([, path = '']) => path);
  const missing = references.filter((path) => !Object.hasOwn(parsed.components.schemas, path.replace(/.*\//, '')));
  expect(missing).toEqual([]);
  const operations = Object.values(parsed.paths).flatMap((path) => Object.values(path));
  const ids = operations.map(({ operationId }) => operationId);
  expect([...new Set(ids)]).toEqual(ids);
  return parsed;
}

function ignore(): void {
  // The messages of a start are not of interest.
}
