import { afterAll, afterEach, beforeAll, describe, expect } from '@jest/globals';
import type { INestApplication, NestApplicationOptions, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { NotificationsOptions } from 'nest-notifications';
import { endTest, takeWarnings, unwatchWarnings, watchWarnings } from './cleanup.js';
import { type Logs, fastifyLogger } from './logs.js';
import { PlainNodeAdapter } from './plain-node/adapter.js';
import { inDepth } from '../depth.js';

/** A way to run a Nest application. */
export interface Adapter {
  readonly name: string;
  /** Options of the module, in addition to those of a test. */
  readonly options?: NotificationsOptions;
  /** The application, not initialised yet. Without logs it logs nothing. */
  create(module: Type, options: NestApplicationOptions & { logs?: Logs }): Promise<INestApplication>;
}

export const express: Adapter = {
  name: 'express',
  create: (module, { logs: _, ...options }) => NestFactory.create(module, new ExpressAdapter(), options),
};

export const fastify: Adapter = {
  name: 'fastify',
  create: (module, { logs, ...options }) =>
    NestFactory.create<NestFastifyApplication>(
      module,
      new FastifyAdapter({
        ...(logs && { loggerInstance: fastifyLogger(logs) }),
        ...(options.httpsOptions && { https: options.httpsOptions }),
      }),
      options,
    ),
};

/** An adapter with the properties of Nest's `NodeAdapter`. */
export const node: Adapter = {
  name: 'node',
  create: (module, { logs: _, ...options }) => NestFactory.create(module, new PlainNodeAdapter(), options),
};

export const ADAPTERS: readonly Adapter[] = [express, fastify, node];

/**
 * Most suites run on the third adapter with TEST_DEPTH=all only. The suites of the protocol select
 * it explicitly.
 */
const MOST: readonly Adapter[] = inDepth([express, fastify], ADAPTERS);

/** For tests whose result does not depend on the adapter. */
export const ONE_ADAPTER: readonly Adapter[] = inDepth([fastify], ADAPTERS);

/**
 * Adds the direct lane, which answers repeated polls of a connection before the framework. No
 * client may notice it.
 */
export const ADAPTERS_AND_LANE: readonly Adapter[] = [
  ...MOST,
  { ...express, name: 'express, with the direct lane', options: { directLane: { grantMs: 30_000 } } },
];

/**
 * The same tests on every platform. Closes the servers after each test. A test with warnings fails.
 */
export function forEachAdapter(tests: (adapter: Adapter) => void, adapters = MOST): void {
  describe.each(adapters)('on platform-$name', (adapter) => {
    beforeAll(watchWarnings);
    afterAll(unwatchWarnings);
    afterEach(async () => {
      await endTest();
      expect(takeWarnings()).toEqual([]);
    });
    tests(adapter);
  });
}
