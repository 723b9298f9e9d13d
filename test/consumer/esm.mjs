import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { NotificationsModule, NotificationsService } from 'nest-notifications';
import { createRequire } from 'node:module';
import { checkDelivery, checkDocument, checkEntries } from './check.cjs';

const manifest = createRequire(import.meta.url)('nest-notifications/package.json');
await checkEntries(manifest.exports, (entry) => import(entry));
const adapters = [new ExpressAdapter(), new FastifyAdapter()];
await checkDelivery({ NestFactory, adapters, NotificationsModule, NotificationsService });
await checkDocument({ NestFactory, NotificationsModule, DocumentBuilder, SwaggerModule });
