/**
 * Writes the OpenAPI and AsyncAPI documents of the examples into docs/public. The site serves them
 * as /openapi.json and /asyncapi.json.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { NestFactory } from '@nestjs/core';
import { asyncApiText } from '../../examples/asyncapi.ts';
import { AppModule, describeApi } from '../../examples/openapi.ts';
import { docs } from './pages.mjs';

const folder = join(docs, 'public');
mkdirSync(folder, { recursive: true });
const app = await NestFactory.create(AppModule, { logger: false });
writeFileSync(join(folder, 'openapi.json'), `${JSON.stringify(describeApi(app), undefined, 2)}\n`);
await app.close();
writeFileSync(join(folder, 'asyncapi.json'), `${await asyncApiText()}\n`);
