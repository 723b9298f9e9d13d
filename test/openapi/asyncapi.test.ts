import 'reflect-metadata';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type INestApplication, Module, type ModuleMetadata, VersioningType } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { NotificationsModule } from 'nest-notifications';
import { type AsyncApiDocument, asyncApiOf } from 'nest-notifications/asyncapi';
import { InboxModule } from 'nest-notifications/inbox';
import { z } from 'zod';
import { asyncApiText } from '../../examples/asyncapi.js';
import { inDepth } from '../support/depth.js';
import { atTestEnd, endTest } from '../support/http/cleanup.js';

const VALIDATOR = join(import.meta.dirname, '../asyncapi');

/**
 * Why documents cannot be validated. The parser has many dependencies, so only TEST_DEPTH=all
 * installs it: `npm ci --prefix test/asyncapi --ignore-scripts` does it by hand.
 */
function validatorMissing(): string | undefined {
  const isInstalled = (): boolean => existsSync(join(VALIDATOR, 'node_modules/@asyncapi/parser'));
  if (!isInstalled() && inDepth(false, true)) {
    const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', VALIDATOR];
    const { status, stderr } = spawnSync('npm', args, { encoding: 'utf8' });
    if (status !== 0 && process.env.CI) throw new Error(stderr);
  }
  return isInstalled() ? undefined : 'the validator is not installed (npm ci --prefix test/asyncapi --ignore-scripts)';
}

const missing = validatorMissing();
if (missing !== undefined) console.warn(missing);

afterEach(endTest);

async function documentOf(
  imports: ModuleMetadata['imports'],
  configure?: (app: INestApplication) => unknown,
): Promise<AsyncApiDocument> {
  @Module({ imports: imports ?? [] })
  class AppModule {}
  const app = await NestFactory.create(AppModule, { logger: ['error', 'fatal'] });
  atTestEnd(() => app.close());
  configure?.(app);
  const document = asyncApiOf(app, { title: 'Test', version: '1.0.0' });
  await app.init();
  return document;
}

function errorsIn(document: string): unknown {
  const { stdout, stderr } = spawnSync(process.execPath, [join(VALIDATOR, 'validate.mjs')], {
    ...{ input: document, encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } },
  });
  return stdout === '' ? stderr : JSON.parse(stdout);
}

const access = { read: 'public', publish: 'public', subscriber: () => 'ann' } as const;
const schemas = {
  'order.shipped': z.object({ orderId: z.number().gt(0), note: z.string().nullable() }),
  mention: z.tuple([z.string(), z.literal('x')]),
};
const everything = [
  NotificationsModule.forRoot({ access, schemas }),
  NotificationsModule.forRoot({ access, name: 'telemetry' }),
  NotificationsModule.forRoot({ access, name: 'hidden', openApi: false }),
  InboxModule.forRoot({ access, schemas: { comment: z.object({ postId: z.number() }) } }),
];

describe('an AsyncAPI document', () => {
  test('has the streams of all feeds, with their messages', async () => {
    const document = await documentOf(everything);
    expect(document.asyncapi).toBe('3.1.0');
    const addresses = Object.entries(document.channels).map(([id, { address }]: [string, { address?: unknown }]) => [
      id,
      address,
    ]);
    expect(addresses).toEqual([
      ['Notifications', '/notifications'],
      ['TelemetryNotifications', '/notifications/telemetry'],
      ['Inbox', '/inbox'],
    ]);
    expect(Object.keys(document.operations)).toEqual([
      ...['sendNotifications', 'receiveNotifications', 'sendTelemetryNotifications'],
      ...['receiveTelemetryNotifications', 'sendInbox'],
    ]);
    expect(document.channels.Notifications).toMatchObject({
      messages: { OrderShipped: {}, Mention: {}, Other: {}, OtherPublish: {}, FeedGapEvent: {} },
    });
    expect(document.components.messages.OrderShipped).toMatchObject({
      payload: { $ref: '#/components/schemas/OrderShippedNotification' },
      headers: { required: ['id'] },
    });
    expect(document.components.schemas.OrderShippedData).toMatchObject({
      properties: { orderId: { exclusiveMinimum: 0 } },
    });
    expect(document.components.schemas).toHaveProperty('InboxCommentData');
    // A feed without schemas has one message for all types.
    expect(document.components.messages).not.toHaveProperty('TelemetryOther');
    const text = JSON.stringify(document);
    const references = [...text.matchAll(/"#\/components\/(\w+)\/([^"]+)"/g)];
    const components = document.components as unknown as Record<string, object>;
    const dangling = references.filter(([, kind = '', name = '']) => !Object.hasOwn(components[kind] ?? {}, name));
    expect(dangling).toEqual([]);
  });

  test('has different messages for a published type and for a type with that name', async () => {
    const similar = { a: z.number(), 'a.publish': z.string(), 'other.publish': z.string() };
    const { channels } = await documentOf([NotificationsModule.forRoot({ access, schemas: similar })]);
    const { messages } = channels.Notifications as { readonly messages: object };
    expect(Object.keys(messages).filter((name) => !name.startsWith('Feed'))).toHaveLength(8);
  });

  test('has paths with prefix and versions', async () => {
    const feed = NotificationsModule.forRoot({ access, version: ['1', '2'] });
    const { channels } = await documentOf([feed], (app) =>
      app.setGlobalPrefix('api').enableVersioning({ type: VersioningType.URI }),
    );
    expect(channels).toMatchObject({
      Notifications: { address: '/api/v1/notifications' },
      Notifications2: { address: '/api/v2/notifications' },
    });
  });

  test('of the example has its server', async () => {
    expect(JSON.parse(await asyncApiText())).toMatchObject({ servers: { live: { host: 'shop.example' } } });
  });

  (missing === undefined ? test : test.skip)('is valid for the parser of AsyncAPI', async () => {
    expect(errorsIn(JSON.stringify(await documentOf(everything)))).toEqual([]);
    expect(errorsIn(await asyncApiText())).toEqual([]);
    expect(errorsIn('{ "asyncapi": "3.1.0" }')).not.toEqual([]);
  });
});
