import { Body, Controller, Get, HttpCode, Param, ParseIntPipe, Post } from '@nestjs/common';
import type { Order } from '../../shared/api.js';
import { CurrentUser, Roles, type SignedIn } from '../auth/signed-in.js';
import { type PlaceOrder, placeOrder, type ShipOrder, shipOrder } from './orders.dto.js';
import { OrdersService } from './orders.service.js';

@Controller('api/orders')
export class OrdersController {
  constructor(private readonly orders: OrdersService) {}

  @Get()
  newest(@CurrentUser() user: SignedIn): Promise<Order[]> {
    return this.orders.newest(user);
  }

  @Roles('customer')
  @Post()
  async place(
    @CurrentUser() user: SignedIn,
    @Body({ schema: placeOrder }) body: PlaceOrder,
  ): Promise<{ orderId: number }> {
    return { orderId: await this.orders.place(user, body) };
  }

  @Roles('keeper')
  @Post(':id/shipment')
  @HttpCode(204)
  ship(@Param('id', ParseIntPipe) id: number, @Body({ schema: shipOrder }) body: ShipOrder): Promise<void> {
    return this.orders.ship(id, body);
  }
}
