import type { ColumnDefinitionBuilder, Kysely, Migration, MigrationProvider } from 'kysely';
import { hashPassword } from '../auth/password.js';
import type { Schema } from './schema.js';

type Build = (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder;

const required: Build = (column) => column.notNull();
const key: Build = (column) => column.primaryKey();

/** The migrations, in the order of their names. */
export function migrationsFor(engine: 'sqlite' | 'postgres'): MigrationProvider {
  const counter: Build = (column) =>
    engine === 'sqlite' ? column.primaryKey().autoIncrement() : column.primaryKey().generatedAlwaysAsIdentity();
  const migrations: Record<string, Migration> = {
    '001_tables': { up: (db) => createTables(db, counter) },
    '002_demo_data': { up: insertDemoData },
    '003_feed_positions': { up: createPositions },
  };
  return { getMigrations: () => Promise.resolve(migrations) };
}

async function createTables(db: Kysely<Schema>, counter: Build): Promise<void> {
  await db.schema
    .createTable('users')
    .addColumn('id', 'text', key)
    .addColumn('name', 'text', required)
    .addColumn('role', 'text', required)
    .addColumn('password_hash', 'text', required)
    .execute();
  await db.schema
    .createTable('products')
    .addColumn('id', 'text', key)
    .addColumn('name', 'text', required)
    .addColumn('price_cents', 'integer', required)
    .addColumn('stock', 'integer', required)
    .execute();
  await db.schema
    .createTable('orders')
    .addColumn('id', 'integer', counter)
    .addColumn('customer_id', 'text', (column) => column.notNull().references('users.id'))
    .addColumn('request_id', 'text', required)
    .addColumn('status', 'text', required)
    .addColumn('carrier', 'text')
    .addColumn('total_cents', 'integer', required)
    .addColumn('placed_at', 'text', required)
    .addColumn('shipped_at', 'text')
    .addUniqueConstraint('orders_request', ['customer_id', 'request_id'])
    .execute();
  await db.schema
    .createTable('order_lines')
    .addColumn('order_id', 'integer', (column) => column.notNull().references('orders.id'))
    .addColumn('product_id', 'text', (column) => column.notNull().references('products.id'))
    .addColumn('quantity', 'integer', required)
    .addColumn('price_cents', 'integer', required)
    .addPrimaryKeyConstraint('order_lines_key', ['order_id', 'product_id'])
    .execute();
  await db.schema
    .createTable('outbox')
    .addColumn('id', 'integer', counter)
    .addColumn('item', 'text', required)
    .execute();
}

async function createPositions(db: Kysely<Schema>): Promise<void> {
  await db.schema
    .createTable('feed_positions')
    .addColumn('reader', 'text', key)
    .addColumn('cursor', 'text', required)
    .execute();
}

async function insertDemoData(db: Kysely<Schema>): Promise<void> {
  const users = [
    { id: 'ann', name: 'Ann', role: 'customer' },
    { id: 'ben', name: 'Ben', role: 'customer' },
    { id: 'kim', name: 'Kim', role: 'keeper' },
  ] as const;
  for (const user of users) {
    await db
      .insertInto('users')
      .values({ ...user, password_hash: await hashPassword('demo') })
      .execute();
  }
  await db
    .insertInto('products')
    .values([
      { id: 'kettle', name: 'Enamel kettle', price_cents: 4_900, stock: 12 },
      { id: 'lamp', name: 'Desk lamp', price_cents: 7_450, stock: 6 },
      { id: 'notebook', name: 'Dotted notebook', price_cents: 1_250, stock: 40 },
      { id: 'blanket', name: 'Wool blanket', price_cents: 8_900, stock: 4 },
      { id: 'mug', name: 'Stoneware mug', price_cents: 1_800, stock: 25 },
      { id: 'chair', name: 'Folding chair', price_cents: 12_900, stock: 2 },
    ])
    .execute();
}
