// Compiled, not run: the published types with `module: commonjs` and the resolution "node10".
import { Module } from '@nestjs/common';
import { NotificationsModule, type NotificationsService } from 'nest-notifications';
import { connect } from 'nest-notifications/client';
import { betweenTabs } from 'nest-notifications/client/tabs';
import { InboxModule } from 'nest-notifications/inbox';
import { useNotifications } from 'nest-notifications/react';
import { logEntry, type StoreFactory } from 'nest-notifications/store';
import { natsStore } from 'nest-notifications/stores/nats';
import { postgresStore } from 'nest-notifications/stores/postgres';
import { redisStore } from 'nest-notifications/stores/redis';
import { sqliteStore } from 'nest-notifications/stores/sqlite';
import { NotificationsHealthIndicator } from 'nest-notifications/terminus';
import { storeContract } from 'nest-notifications/testing';

@Module({ imports: [NotificationsModule.forRoot({ access: 'public', store: sqliteStore({ path: 'feed.db' }) })] })
export class AppModule {}

export const driver: StoreFactory = sqliteStore({ path: 'feed.db' });

// Each of these would compile if the types were `any`.
// @ts-expect-error The options have types.
redisStore({ connection: 42 });
// @ts-expect-error
logEntry('1', { id: 'a', topic: 't', json: '{}' });
// @ts-expect-error
connect(42);
connect({ url: '/notifications', share: betweenTabs('ann') });
// @ts-expect-error
betweenTabs(42);
// @ts-expect-error
InboxModule.forRoot({ cap: '99' });
// @ts-expect-error
export const notAService: NotificationsService = 42;

export { natsStore, NotificationsHealthIndicator, postgresStore, storeContract, useNotifications };
