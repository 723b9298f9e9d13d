import { Module } from '@nestjs/common';
import { NotificationsService } from 'nest-notifications';
import type { OrderFeed } from '../../shared/notifications.js';
import { Config } from '../config/config.js';
import { type Database, DATABASE } from '../database/schema.js';
import { Outbox } from './outbox.js';
import { PostgresOutbox } from './postgres-outbox.js';
import { SqliteOutbox } from './sqlite-outbox.js';

@Module({
  providers: [
    {
      provide: Outbox,
      inject: [Config, DATABASE, NotificationsService],
      useFactory: (config: Config, database: Database, notifications: NotificationsService<OrderFeed>) =>
        config.databaseUrl === undefined
          ? new SqliteOutbox(database, notifications)
          : new PostgresOutbox(database, notifications),
    },
  ],
  exports: [Outbox],
})
export class OutboxModule {}
