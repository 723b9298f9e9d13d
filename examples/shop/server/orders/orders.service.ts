import { ConflictException, Inject, Injectable, NotFoundException } from '@nestjs/common';
import type { Order, User } from '../../shared/api.js';
import { type Database, DATABASE, type OpenTransaction } from '../database/schema.js';
import { customerTopic } from '../feeds/topics.js';
import { Outbox, type Publish } from '../outbox/outbox.js';
import { ProductsService, type StockLevel } from '../products/products.service.js';
import { newestOrders } from './order-queries.js';
import type { PlaceOrder, ShipOrder } from './orders.dto.js';

@Injectable()
export class OrdersService {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly outbox: Outbox,
    private readonly products: ProductsService,
  ) {}

  newest(user: User): Promise<Order[]> {
    return newestOrders(this.database, user);
  }

  /** Creates an order and notifies the customer and the keepers. Returns its id. */
  async place(customer: User, request: PlaceOrder): Promise<number> {
    const known = await this.#placedBy(customer, request);
    if (known !== undefined) return known;
    try {
      const { orderId, levels } = await this.outbox.transaction((tx, publish) =>
        this.#insert(tx, publish, { customer, request }),
      );
      await this.products.report(levels);
      return orderId;
    } catch (error) {
      // The same request may have been sent twice at the same time.
      const other = await this.#placedBy(customer, request);
      if (other !== undefined) return other;
      throw error;
    }
  }

  /** Marks an order as shipped, once, and notifies its customer and the keepers. */
  async ship(orderId: number, { carrier }: ShipOrder): Promise<void> {
    await this.outbox.transaction(async (tx, publish) => {
      const shipped = await tx
        .updateTable('orders')
        .set({ status: 'shipped', carrier, shipped_at: new Date().toISOString() })
        .where('id', '=', orderId)
        .where('status', '=', 'placed')
        .returning('customer_id')
        .executeTakeFirst();
      const order = await tx
        .selectFrom('orders')
        .innerJoin('users', 'users.id', 'orders.customer_id')
        .select(['users.id', 'users.name', 'orders.carrier'])
        .where('orders.id', '=', orderId)
        .executeTakeFirst();
      if (!order) throw new NotFoundException(`There is no order ${orderId}.`);
      if (!shipped) throw new ConflictException(`Order ${orderId} was already shipped with ${order.carrier ?? ''}.`);
      const notification = { type: 'order.shipped', data: { orderId, customer: order.name, carrier } } as const;
      await publish(customerTopic(order.id), notification);
      await publish('keepers', notification);
    });
  }

  async #insert(
    tx: OpenTransaction,
    publish: Publish,
    { customer, request }: { customer: User; request: PlaceOrder },
  ): Promise<{ orderId: number; levels: StockLevel[] }> {
    // All transactions lock products in the same order, so no two of them wait for each other.
    const lines = [...request.lines].sort((a, b) => (a.productId < b.productId ? -1 : 1));
    const taken = [];
    for (const { productId, quantity } of lines) {
      taken.push({ ...(await this.products.take(tx, productId, quantity)), quantity });
    }
    const totalCents = taken.reduce((sum, { priceCents, quantity }) => sum + priceCents * quantity, 0);
    const { id: orderId } = await tx
      .insertInto('orders')
      .values({
        customer_id: customer.id,
        request_id: request.requestId,
        status: 'placed',
        total_cents: totalCents,
        placed_at: new Date().toISOString(),
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    await tx
      .insertInto('order_lines')
      .values(
        taken.map(({ id, quantity, priceCents }) => ({
          order_id: orderId,
          product_id: id,
          quantity,
          price_cents: priceCents,
        })),
      )
      .execute();
    const notification = { type: 'order.placed', data: { orderId, customer: customer.name, totalCents } } as const;
    await publish(customerTopic(customer.id), notification);
    await publish('keepers', notification);
    return { orderId, levels: taken };
  }

  async #placedBy({ id }: User, { requestId }: PlaceOrder): Promise<number | undefined> {
    const order = await this.database
      .selectFrom('orders')
      .select('id')
      .where('customer_id', '=', id)
      .where('request_id', '=', requestId)
      .executeTakeFirst();
    return order?.id;
  }
}
