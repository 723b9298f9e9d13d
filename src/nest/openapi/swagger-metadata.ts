import { SetMetadata, type Type } from '@nestjs/common';
import type { Operation, RoutesDescription } from '../../openapi/described-feed.js';
import type { Schema, Schemas } from '../../openapi/schema.js';

/**
 * The keys under which the decorators of `@nestjs/swagger` store their metadata. The values are
 * written directly, because an import would load the optional package in every application.
 */
const KEYS = {
  operation: 'swagger/apiOperation',
  parameters: 'swagger/apiParameters',
  responses: 'swagger/apiResponse',
  exclude: 'swagger/apiExcludeEndpoint',
  excludeController: 'swagger/apiExcludeController',
  models: 'swagger/apiExtraModels',
  schema: 'swagger/apiSchema',
};

/** Nest stores the HTTP method of a route on its handler, under this key. */
const METHOD_KEY = 'method';

/** Leaves a controller out of documents. */
export function hideController(controller: Type): void {
  Reflect.defineMetadata(KEYS.excludeController, [true], controller);
}

/** Writes the description of a controller's handlers. Handlers without an operation are hidden. */
export function describeHandlers(controller: Type, { operations, schemas }: RoutesDescription): void {
  for (const name of handlersOf(controller)) {
    const handler = ownHandler(controller, name);
    const operation = operations[name];
    if (operation) describe(handler, operation);
    else Reflect.defineMetadata(KEYS.exclude, { disable: true }, handler);
  }
  const models = (Reflect.getMetadata(KEYS.models, controller) ?? []) as readonly Type[];
  Reflect.defineMetadata(KEYS.models, [...models, ...modelsOf(schemas)], controller);
}

function describe(handler: object, { parameters, responses, ...operation }: Operation): void {
  Reflect.defineMetadata(KEYS.operation, operation, handler);
  Reflect.defineMetadata(KEYS.parameters, parameters, handler);
  Reflect.defineMetadata(KEYS.responses, responses, handler);
}

/** The names of the methods with a route, including inherited ones. */
function handlersOf({ prototype }: Type): readonly string[] {
  const base = Object.getPrototypeOf(prototype) as object;
  return Object.getOwnPropertyNames(base).filter((name) => {
    const method: unknown = Object.getOwnPropertyDescriptor(base, name)?.value;
    return typeof method === 'function' && Reflect.hasMetadata(METHOD_KEY, method);
  });
}

/**
 * Gives a mounted controller its own copy of an inherited handler, with the same metadata. Metadata
 * belongs to the function, and the controllers of several feeds inherit the same one.
 */
function ownHandler({ prototype }: Type, name: string): object {
  const methods = prototype as Record<string, (...args: unknown[]) => unknown>;
  const inherited = methods[name];
  if (!inherited) throw new Error(`The controller has no handler ${name}`);
  const own = function (this: unknown, ...args: unknown[]): unknown {
    return inherited.apply(this, args);
  };
  Object.defineProperty(own, 'name', { value: name });
  for (const key of Reflect.getMetadataKeys(inherited) as readonly unknown[]) {
    Reflect.defineMetadata(key, Reflect.getMetadata(key, inherited), own);
  }
  Object.defineProperty(prototype, name, { value: own, writable: true, configurable: true });
  return own;
}

/**
 * The decorators take components as classes. The metadata of `@ApiSchema()` overrides every keyword
 * that the decorators would derive from the properties.
 */
function modelsOf(schemas: Schemas): readonly Type[] {
  return Object.entries(schemas).map(([name, schema]) => {
    @SetMetadata(KEYS.schema, [{ name, ...overriding(schema) }])
    class Model {}
    return Model;
  });
}

/** Without these two undefined values, the document describes every class as an object. */
function overriding(schema: Schema): Schema {
  return schema.type === 'object' ? schema : { type: undefined, properties: undefined, ...schema };
}
