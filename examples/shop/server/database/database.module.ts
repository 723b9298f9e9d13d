import { Global, Inject, Logger, Module, type OnApplicationShutdown } from '@nestjs/common';
import { Kysely, Migrator } from 'kysely';
import { Config } from '../config/config.js';
import { dialectFor } from './dialect.js';
import { migrationsFor } from './migrations.js';
import { type Database, DATABASE, type Schema } from './schema.js';

@Global()
@Module({
  providers: [{ provide: DATABASE, inject: [Config], useFactory: openDatabase }],
  exports: [DATABASE],
})
export class DatabaseModule implements OnApplicationShutdown {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** Called by Nest after the last request has been answered. */
  async onApplicationShutdown(): Promise<void> {
    await this.database.destroy();
  }
}

async function openDatabase(config: Config): Promise<Database> {
  const logger = new Logger('Database');
  const database = new Kysely<Schema>({
    dialect: dialectFor(config, (error) => {
      logger.warn(`A connection has failed: ${error.message}`);
    }),
  });
  const provider = migrationsFor(config.databaseUrl === undefined ? 'sqlite' : 'postgres');
  const { error } = await new Migrator({ db: database, provider }).migrateToLatest();
  if (error === undefined) return database;
  await database.destroy();
  throw error instanceof Error ? error : new Error('The migration of the database has failed', { cause: error });
}
