import { Injectable, Module } from '@nestjs/common';
import { memoryStore, NotificationsModule } from 'nest-notifications';
import { redisStore } from 'nest-notifications/stores/redis';

/** Replace it by `ConfigService` of `@nestjs/config`, for example. */
@Injectable()
class Settings {
  readonly redisUrl = process.env.REDIS_URL;
}

@Module({ providers: [Settings], exports: [Settings] })
class SettingsModule {}

@Module({
  imports: [
    NotificationsModule.forRootAsync({
      // Options of the module itself are beside the factory.
      isGlobal: true,
      imports: [SettingsModule],
      inject: [Settings],
      // The factory returns all other options.
      useFactory: ({ redisUrl }: Settings) => ({
        access: 'public',
        store: redisUrl ? redisStore({ connection: redisUrl }) : memoryStore(),
      }),
    }),
  ],
})
export class AppModule {}
