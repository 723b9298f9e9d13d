require('reflect-metadata');
const { NestFactory } = require('@nestjs/core');
const { DocumentBuilder, SwaggerModule } = require('@nestjs/swagger');
const { ExpressAdapter } = require('@nestjs/platform-express');
const { FastifyAdapter } = require('@nestjs/platform-fastify');
const { NotificationsModule, NotificationsService } = require('nest-notifications');
const { checkDelivery, checkDocument, checkEntries } = require('./check.cjs');

async function main() {
  await checkEntries(require('nest-notifications/package.json').exports, require);
  const adapters = [new ExpressAdapter(), new FastifyAdapter()];
  await checkDelivery({ NestFactory, adapters, NotificationsModule, NotificationsService });
  await checkDocument({ NestFactory, NotificationsModule, DocumentBuilder, SwaggerModule });
}

main();
