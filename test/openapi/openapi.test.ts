import 'reflect-metadata';
import { afterEach, describe, expect, test } from '@jest/globals';
import { VersioningType } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ApiBearerAuth, ApiTags, DocumentBuilder } from '@nestjs/swagger';
import {
  NotificationsModule,
  type NotificationsModuleExtras,
  type NotificationsOptions,
  type OpenApiOptions,
} from 'nest-notifications';
import { InboxModule } from 'nest-notifications/inbox';
import { METHODS } from 'node:http';
import { z } from 'zod';
import { AppModule, describeApi } from '../../examples/openapi.js';
import { endTest, atTestEnd } from '../support/http/cleanup.js';
import { documentOf } from './documents.js';

interface Folder {
  name: string;
  folders: Folder[];
}
const folder: z.ZodType<Folder> = z.object({
  name: z.string(),
  get folders() {
    return z.array(folder);
  },
});

const schemas = {
  'order.shipped': z.object({ orderId: z.number().int().positive(), note: z.string().nullable() }),
  'order-shipped': z.object({ carrier: z.literal('post') }),
  'folder.changed': folder,
  counted: z.union([z.string(), z.number().gt(0)]),
  trimmed: z.string().transform((text) => text.trim()),
  feed: z.tuple([z.string(), z.number()]),
};
const OPEN: NotificationsOptions = {
  access: { read: 'public', publish: 'public', retract: 'public', subscriber: () => 'a' },
  tickets: {},
};

afterEach(endTest);

describe('an OpenAPI document', () => {
  test.each(['3.0', '3.1', '3.2'] as const)('is valid as %s, with every route and declared types', async (version) => {
    const feed = NotificationsModule.forRoot({ ...OPEN, schemas, openApi: { version }, patterns: ['orders.*'] });
    const document = await documentOf({ imports: [feed], version: `${version}.0` });
    const { '/notifications': root = {} } = document.paths;
    const hasQuery = version === '3.2' && METHODS.includes('QUERY');
    expect(Object.keys(root).sort()).toEqual(['get', 'post', ...(hasQuery ? ['query'] : [])].sort());
    expect(Object.keys(document.paths).sort()).toEqual([
      '/notifications',
      '/notifications/tickets',
      '/notifications/{id}',
    ]);
    expect(root.get?.operationId).toBe('NotificationsController_read');
    expect(root.get?.tags).toEqual(['Notifications']);
    expect(root.get?.parameters.map(({ name }) => name)).toEqual([
      ...['topic', 'cursor', 'before', 'wait', 'limit', 'ticket', 'Last-Event-ID'],
    ]);
    const { content = {} } = root.get?.responses['200'] ?? {};
    expect(Object.keys(content)).toEqual(['application/json', 'text/event-stream']);
    expect(Object.keys(content['text/event-stream'] ?? {})).toEqual([version === '3.2' ? 'itemSchema' : 'schema']);
    const all = document.components.schemas;
    expect(all.FeedNotification?.anyOf).toHaveLength(7);
    expect(all.OrderShippedData).toMatchObject({ required: ['orderId', 'note'], type: 'object' });
    expect(all.OrderShipped2Notification).toMatchObject({ properties: { type: { enum: ['order-shipped'] } } });
    expect(all.FolderChangedData).toMatchObject({
      properties: { folders: { items: { $ref: '#/components/schemas/FolderChangedData' } } },
    });
    expect(all.CountedData).not.toHaveProperty('type');
    // A transform has no schema of its output.
    expect([all.TrimmedData, all.TrimmedInput]).toEqual([{}, { type: 'string' }]);
  });

  test('leaves out the routes that the options do not allow', async () => {
    const document = await documentOf({
      imports: [
        NotificationsModule.forRoot({
          access: { read: 'public', publish: undefined },
          serveClient: true,
          schemas: { a: z.object({}) },
        }),
      ],
    });
    expect(document.paths).toEqual({ '/notifications': { get: expect.anything() } });
    expect(Object.keys(document.components.schemas).sort()).toEqual([
      ...[
        'AData',
        'ANotification',
        'FeedError',
        'FeedGap',
        'FeedNotification',
        'FeedPage',
        'FeedRetraction',
        'OtherNotification',
      ],
    ]);
  });

  test('has the limits of the options, also of a factory', async () => {
    const useFactory = (): NotificationsOptions => ({
      access: 'public',
      poll: { waitMs: 5_000, waitMsMax: 9_500, limit: 3, limitMax: 7 },
      limits: { topicsMax: 4 },
    });
    const document = await documentOf({ imports: [NotificationsModule.forRootAsync({ useFactory })] });
    const { parameters = [] } = document.paths['/notifications']?.get ?? {};
    const schemaOf = Object.fromEntries(parameters.map(({ name, schema }) => [name, schema]));
    expect(schemaOf).toMatchObject({
      topic: { maxItems: 4 },
      wait: { minimum: 0, maximum: 9, default: 5 },
      limit: { minimum: 1, maximum: 7, default: 3 },
    });
  });

  test('has paths with prefix and versions, and the tags and security of decorators', async () => {
    const decorators = [ApiTags('feed'), ApiBearerAuth()];
    const document = await documentOf({
      imports: [NotificationsModule.forRoot({ access: 'public', version: ['1', '2'], decorators })],
      builder: new DocumentBuilder().addBearerAuth(),
      configure: (app) => app.setGlobalPrefix('api').enableVersioning({ type: VersioningType.URI }),
    });
    expect(Object.keys(document.paths)).toEqual(['/api/v1/notifications', '/api/v2/notifications']);
    expect(document.paths['/api/v1/notifications']?.get).toMatchObject({
      tags: ['feed'],
      security: [{ bearer: [] }],
    });
  });

  test('has the security of the option, and not that of decorators', async () => {
    const decorators = [ApiBearerAuth()];
    const security = [{ cookie: [] }, { bearer: [], tenant: [] }];
    const feed = (options: NotificationsModuleExtras) =>
      NotificationsModule.forRoot({ ...OPEN, decorators, ...options });
    const document = await documentOf({
      imports: [
        feed({ openApi: { security } }),
        feed({ name: 'open', openApi: { security: [] } }),
        feed({ name: 'other' }),
        InboxModule.forRoot({ access: { subscriber: () => 'ann' }, openApi: { security } }),
      ],
      builder: new DocumentBuilder()
        .addCookieAuth()
        .addBearerAuth()
        .addApiKey({ type: 'apiKey', in: 'header', name: 'X-Tenant' }, 'tenant')
        .addSecurityRequirements('cookie'),
    });
    const requirements = (path: string, method = 'get'): unknown => document.paths[path]?.[method]?.security;
    // A ticket replaces all credentials of a read.
    expect(requirements('/notifications')).toEqual([...security, {}]);
    for (const [path, method] of [
      ['/notifications', 'post'],
      ['/notifications/{id}', 'delete'],
      ['/notifications/tickets', 'post'],
      ['/inbox', 'get'],
      ['/inbox', 'post'],
    ] as const)
      expect({ path, method, security: requirements(path, method) }).toEqual({ path, method, security });
    expect([requirements('/notifications/open'), requirements('/notifications/open', 'post')]).toEqual([[], []]);
    expect(requirements('/notifications/other')).toEqual([{ bearer: [] }]);
  });

  test.each(['3.0', '3.1', '3.2'] as const)(
    'of version %s allows other types, or only declared ones',
    async (version) => {
      const discriminator = { propertyName: 'type', mapping: { mention: '#/components/schemas/MentionNotification' } };
      const only = { mention: z.object({ by: z.string() }) };
      const access = { read: 'public', publish: 'public' } as const;
      const document = await documentOf({
        imports: [
          NotificationsModule.forRoot({ access, schemas: only, openApi: { version } }),
          NotificationsModule.forRoot({
            access,
            name: 'closed',
            schemas: only,
            openApi: { version, otherTypes: false },
          }),
        ],
        version: `${version}.0`,
      });
      const all = document.components.schemas;
      const defaultMapping = '#/components/schemas/OtherNotification';
      expect(all.FeedNotification).toEqual({
        anyOf: [{ $ref: '#/components/schemas/MentionNotification' }, { $ref: defaultMapping }],
        ...(version === '3.2' && { discriminator: { ...discriminator, defaultMapping } }),
      });
      expect(all.OtherNotification).toMatchObject({ properties: { type: { not: { enum: ['mention'] } }, data: {} } });
      expect(all.ClosedFeedNotification).toMatchObject({
        oneOf: [{ $ref: '#/components/schemas/ClosedMentionNotification' }],
        discriminator: { propertyName: 'type' },
      });
      expect(all.ClosedFeedItem?.oneOf).toEqual([{ $ref: '#/components/schemas/ClosedMentionItem' }]);
      expect(Object.keys(all).filter((name) => name.startsWith('ClosedOther'))).toEqual([]);
    },
  );

  test('describes several feeds and inboxes, each with its own types', async () => {
    const access = { read: 'public', subscriber: () => 'ann' } as const;
    const document = await documentOf({
      imports: [
        NotificationsModule.forRoot({ access, schemas: { a: z.object({ n: z.number() }) } }),
        NotificationsModule.forRoot({ access, name: 'audit', schemas: { a: z.object({ text: z.string() }) } }),
        InboxModule.forRoot({ access, schemas: { comment: z.object({ postId: z.number() }) } }),
        InboxModule.forRoot({ access, name: 'staff' }),
      ],
    });
    expect(Object.keys(document.paths).sort()).toEqual(['/inbox', '/notifications', '/notifications/audit', '/staff']);
    const all = document.components.schemas;
    expect(all.AData).toMatchObject({ properties: { n: { type: 'number' } } });
    expect(all.AuditAData).toMatchObject({ properties: { text: { type: 'string' } } });
    expect(all.InboxCommentData).toMatchObject({ properties: { postId: { type: 'number' } } });
    expect(document.paths['/staff']?.post?.operationId).toBe('StaffInboxController_operate');
    expect(document.paths['/inbox']?.get?.tags).toEqual(['Inbox']);
  });

  test('does not have a feed with openApi: false', async () => {
    const hidden = { access: 'public', openApi: false, serveClient: true } as const;
    expect((await documentOf({ imports: [NotificationsModule.forRoot(hidden)] })).paths).toEqual({});
  });
});

test('the example serves its document', async () => {
  const app = await NestFactory.create(AppModule, { logger: false });
  atTestEnd(() => app.close());
  describeApi(app);
  await app.listen(0, '127.0.0.1');
  const response = await fetch(`${await app.getUrl()}/api-json`);
  expect(await response.json()).toMatchObject({
    openapi: '3.1.0',
    paths: { '/notifications': { get: { security: [{ bearer: [] }] } } },
    components: { schemas: { OrderShippedData: { properties: { orderId: { type: 'number' } } } } },
  });
});

test.each([
  ['3.1', 'openApi is the string "3.1"; it must be an object or false'],
  [null, 'openApi is null; it must be an object or false'],
  [[], 'openApi is an array; it must be an object or false'],
  [{ version: '2.0' }, `openApi.version is the string "2.0"; it must be '3.0', '3.1' or '3.2'`],
  [{ version: 3.1 }, `openApi.version is 3.1; it must be '3.0', '3.1' or '3.2'`],
  [{ otherTypes: 'no' }, 'openApi.otherTypes is the string "no"; it must be true or false'],
  [{ security: { bearer: [] } }, 'openApi.security is an object; it must be an array such as [{ bearer: [] }]'],
  [
    { security: ['bearer'] },
    'openApi.security[0] is the string "bearer"; it must be an object with an array for each scheme, such as { bearer: [] }',
  ],
  [
    { security: [{ bearer: [] }, { bearer: 'read' }] },
    'openApi.security[1] is an object; it must be an object with an array for each scheme, such as { bearer: [] }',
  ],
  [{ title: 'Shop' }, 'openApi.title'],
])('the option openApi is checked: %j', (openApi, message) => {
  const wrong = openApi as unknown as OpenApiOptions;
  expect(() => NotificationsModule.forRoot({ openApi: wrong })).toThrow(message);
  expect(() => InboxModule.forRoot({ access: {}, openApi: wrong })).toThrow(message);
});
