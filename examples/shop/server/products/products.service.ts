import { ConflictException, Inject, Injectable, Logger, NotFoundException } from '@nestjs/common';
import { InjectNotifications, type NotificationsService } from 'nest-notifications';
import type { Product, Products } from '../../shared/api.js';
import type { StockFeed } from '../../shared/notifications.js';
import { type Database, DATABASE, type OpenTransaction } from '../database/schema.js';
import { STOCK } from '../feeds/feeds.module.js';

/** A product whose stock has changed. */
export interface StockLevel {
  readonly id: string;
  readonly stock: number;
}

@Injectable()
export class ProductsService {
  readonly #logger = new Logger('Stock');

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @InjectNotifications(STOCK) private readonly feed: NotificationsService<StockFeed>,
  ) {}

  async all(): Promise<Products> {
    // Cursor first, then the products: changes in between are in the feed after the cursor.
    const cursor = this.feed.cursor();
    const rows = await this.database.selectFrom('products').selectAll().orderBy('name').execute();
    return { products: rows.map(({ price_cents, ...row }): Product => ({ ...row, priceCents: price_cents })), cursor };
  }

  /** Takes pieces from the stock, in the transaction of an order. */
  async take(tx: OpenTransaction, productId: string, quantity: number): Promise<StockLevel & { priceCents: number }> {
    const taken = await tx
      .updateTable('products')
      .set((row) => ({ stock: row('stock', '-', quantity) }))
      .where('id', '=', productId)
      .where('stock', '>=', quantity)
      .returning(['id', 'stock', 'price_cents'])
      .executeTakeFirst();
    if (taken) return { id: taken.id, stock: taken.stock, priceCents: taken.price_cents };
    const found = await tx.selectFrom('products').selectAll().where('id', '=', productId).executeTakeFirst();
    if (!found) throw new NotFoundException(`There is no product “${productId}”.`);
    throw new ConflictException(`${found.name}: only ${found.stock} left. Change the number and order again.`);
  }

  /** Adds pieces to the stock of a product. */
  async add(productId: string, quantity: number): Promise<StockLevel> {
    const level = await this.database
      .updateTable('products')
      .set((row) => ({ stock: row('stock', '+', quantity) }))
      .where('id', '=', productId)
      .returning(['id', 'stock'])
      .executeTakeFirst();
    if (!level) throw new NotFoundException(`There is no product “${productId}”.`);
    await this.report([level]);
    return level;
  }

  /** Returns the product with the lowest stock. */
  scarcest(): Promise<StockLevel | undefined> {
    return this.database.selectFrom('products').select(['id', 'stock']).orderBy('stock').executeTakeFirst();
  }

  /**
   * Publishes levels after their transaction has committed. A lost level does no harm: the next
   * level or the next load of the page corrects the view.
   */
  async report(levels: readonly StockLevel[]): Promise<void> {
    try {
      await this.feed.publish(
        'stock',
        levels.map(({ id, stock }) => ({ type: 'stock.changed', data: { productId: id, stock } })),
      );
    } catch (error) {
      this.#logger.warn(`Levels were not published: ${String(error)}`);
    }
  }
}
