import { type MiddlewareConsumer, Module, type NestModule, StandardSchemaValidationPipe } from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import { AuthModule } from './auth/auth.module.js';
import { ConfigModule } from './config/config.module.js';
import { DatabaseModule } from './database/database.module.js';
import { FeedsModule } from './feeds/feeds.module.js';
import { HealthController } from './health/health.controller.js';
import { ShopInboxModule } from './inbox/inbox.module.js';
import { OrdersModule } from './orders/orders.module.js';
import { PageController } from './page/page.controller.js';
import { securityHeaders } from './page/security-headers.js';
import { ProductsModule } from './products/products.module.js';

@Module({
  imports: [ConfigModule, DatabaseModule, AuthModule, FeedsModule, ProductsModule, OrdersModule, ShopInboxModule],
  controllers: [PageController, HealthController],
  providers: [{ provide: APP_PIPE, useClass: StandardSchemaValidationPipe }],
})
export class AppModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(securityHeaders).forRoutes('{*path}');
  }
}
