import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { NotificationsModule } from 'nest-notifications';
import { asyncApiOf } from 'nest-notifications/asyncapi';
import { z } from 'zod';

@Module({
  imports: [
    NotificationsModule.forRoot({
      access: 'public',
      schemas: { 'order.shipped': z.object({ orderId: z.number() }) },
    }),
  ],
})
export class AppModule {}

/** The document as JSON, for a file or for a route. */
export async function asyncApiText(): Promise<string> {
  const app = await NestFactory.create(AppModule, { logger: false });
  const servers = { live: { host: 'shop.example', protocol: 'https' } };
  const document = asyncApiOf(app, { title: 'Shop', version: '1.0.0', servers });
  await app.close();
  return JSON.stringify(document, undefined, 2);
}
