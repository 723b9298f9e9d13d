import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import type { Products } from '../../shared/api.js';
import { Roles } from '../auth/signed-in.js';
import { ProductsService } from './products.service.js';

const delivery = z.object({ quantity: z.number().int().min(1).max(1_000) });

@Controller('api/products')
export class ProductsController {
  constructor(private readonly products: ProductsService) {}

  @Get()
  all(): Promise<Products> {
    return this.products.all();
  }

  @Roles('keeper')
  @Post(':id/deliveries')
  @HttpCode(204)
  async add(
    @Param('id') id: string,
    @Body({ schema: delivery }) { quantity }: z.infer<typeof delivery>,
  ): Promise<void> {
    await this.products.add(id, quantity);
  }
}
