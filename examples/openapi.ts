import { type INestApplication, Module } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { NotificationsModule } from 'nest-notifications';
import { z } from 'zod';

@Module({
  imports: [
    NotificationsModule.forRoot({
      access: 'public',
      schemas: { 'order.shipped': z.object({ orderId: z.number() }) },
      openApi: { version: '3.1', security: [{ bearer: [] }] },
    }),
  ],
})
export class AppModule {}

/** Call it in main.ts, before `app.listen`. */
export function describeApi(app: INestApplication) {
  const config = new DocumentBuilder().setTitle('Shop').setOpenAPIVersion('3.1.0').addBearerAuth().build();
  const document = SwaggerModule.createDocument(app, config);
  SwaggerModule.setup('api', app, document);
  return document;
}
