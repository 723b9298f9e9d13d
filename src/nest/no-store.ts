import type { MiddlewareConsumer, Type } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import type { ServerResponse } from 'node:http';
import { CACHE_CONTROL } from '../wire/protocol.js';
import { ROUTE_MARK } from './route-mark.js';

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

/**
 * Forbids caches to keep any answer of the controller's routes, before anybody else has had a say: an error that the
 * application's own guards throw is as much one caller's as a page is.
 */
export function forbidCaching(consumer: MiddlewareConsumer, adapter: AbstractHttpAdapter, controller: Type): void {
  if (adapter.getType() === 'fastify') {
    // Middleware would send every request of the application through a second router.
    const fastify = adapter.getInstance<FastifyHooks>();
    fastify.addHook('onRequest', ({ routeOptions }, reply, done) => {
      if (routeOptions.config && ROUTE_MARK in routeOptions.config) reply.header('Cache-Control', CACHE_CONTROL);
      done();
    });
    return;
  }
  consumer
    .apply((_request: unknown, response: ServerResponse, next: () => void) => {
      response.setHeader('Cache-Control', CACHE_CONTROL);
      next();
    })
    .forRoutes(controller);
}
