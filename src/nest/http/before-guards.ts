import type { MiddlewareConsumer, Type } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import type { ServerResponse } from 'node:http';
import { CACHE_CONTROL } from '../../wire/protocol.js';
import { ROUTE_MARK } from './route.decorator.js';

/** The part of a Fastify application that this file uses. */
interface FastifyHooks {
  addHook(name: 'onRequest', hook: (request: FastifyRequest, reply: FastifyReply, done: () => void) => void): unknown;
}
interface FastifyRequest {
  readonly routeOptions: { readonly config?: object };
}
interface FastifyReply {
  header(name: string, value: string): unknown;
}

/** The controllers of all feeds, and the parts of Nest that run code before guards. */
export interface Mounted {
  readonly controllers: readonly Type[];
  readonly consumer: MiddlewareConsumer;
  readonly adapter: AbstractHttpAdapter;
}

/**
 * Calls `onRequest` with each request of the controllers before guards run. Each application calls
 * this function once, for all feeds. It also forbids caches to store an answer. Errors from the
 * application's guards must not be cached either, because they are as private as a page.
 */
export function beforeGuards({ controllers, consumer, adapter }: Mounted, onRequest: (request: object) => void): void {
  if (adapter.getType() === 'fastify') {
    // Use a hook. Middleware would send every request of the application through a second router.
    const fastify = adapter.getInstance<FastifyHooks>();
    fastify.addHook('onRequest', (request, reply, done) => {
      const { config } = request.routeOptions;
      if (config && ROUTE_MARK in config) {
        reply.header('Cache-Control', CACHE_CONTROL);
        onRequest(request);
      }
      done();
    });
    return;
  }
  consumer
    .apply((request: object, response: ServerResponse, next: () => void) => {
      response.setHeader('Cache-Control', CACHE_CONTROL);
      onRequest(request);
      next();
    })
    .forRoutes(...controllers);
}
