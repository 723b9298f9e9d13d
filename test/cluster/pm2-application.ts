/** An application as docs/deployment.md shows it: all processes share an SQLite file. */
import { Module } from '@nestjs/common';
import { NotificationsModule } from 'nest-notifications';
import { sqliteStore } from 'nest-notifications/stores/sqlite';
import { bootstrap } from '../../examples/main.js';

@Module({
  imports: [
    NotificationsModule.forRoot({
      store: sqliteStore({ path: process.env.LOG ?? '' }),
      access: { read: 'public', publish: 'public' },
    }),
  ],
})
class AppModule {}

await bootstrap(AppModule, Number(process.env.PORT));
