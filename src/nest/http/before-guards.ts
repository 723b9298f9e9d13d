import type { MiddlewareConsumer, Type } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import type { ServerResponse } from 'node:http';
import { CACHE_CONTROL } from '../../wire/protocol.js';
import { ROUTE_MARK } from './route.decorator.js';

/** The part of a Fastify application that is used here. */
interface FastifyHooks {
  addHook(name: 'onRequest', hook: (request: FastifyRequest, reply: FastifyReply, done: () => void) => void): unknown;
}
interface FastifyRequest {
  readonly routeOptions: { readonly config?: object };
}
interface FastifyReply {
  header(name: string, value: string): unknown;
}

/** The controllers of all feeds, and what is needed to see their requests before guards run. */
export interface Mounted {
  readonly controllers: readonly Type[];
  readonly consumer: MiddlewareConsumer;
  readonly adapter: AbstractHttpAdapter;
}

/**
 * Sees the requests of the controllers before guards run. An application calls it once, whatever the number of its feeds. It forbids caches to keep any answer, because an error that one of the
 * application's guards throws is as private as a page. Then it calls `onRequest` with the framework's request.
 */
export function beforeGuards({ controllers, consumer, adapter }: Mounted, onRequest: (request: object) => void): void {
  if (adapter.getType() === 'fastify') {
    // Middleware would send every request of the application through a second router.
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
