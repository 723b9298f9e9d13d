import { Module } from '@nestjs/common';
import { ProductsController } from './products.controller.js';
import { ProductsService } from './products.service.js';
import { Supplier } from './supplier.js';

@Module({
  controllers: [ProductsController],
  providers: [ProductsService, Supplier],
  exports: [ProductsService],
})
export class ProductsModule {}
