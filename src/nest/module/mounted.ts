import { Controller, type ControllerOptions, type Type, UseGuards } from '@nestjs/common';
import type { ApplicationConfig } from '@nestjs/core';
import { componentName } from '../../openapi/schema.js';
import { ClientController } from '../client-file/client.controller.js';
import type { FeedDefinition } from './feeds.js';
import type { Extras } from './module-extras.js';
import { NotificationsController } from '../notifications.controller.js';
import { NotificationsGuard } from '../notifications.guard.js';
import { OriginGuard } from '../access/origin.guard.js';
import { TicketGuard } from '../tickets/ticket.guard.js';
import { unlessTicket } from '../tickets/unless-ticket.js';

/** Name, path and version of a controller. */
export type FeedRoute = Pick<FeedDefinition, 'name' | 'path' | 'version'>;

/**
 * Nest's metadata keys for the interceptors and filters of a class. `@nestjs/common` does not
 * export them.
 */
const OBSERVER_KEYS = ['__interceptors__', '__exceptionFilters__'];

/**
 * Creates a controller class for each feed, because path, guards and decorators are metadata of the
 * class.
 */
export function mountFeed(route: FeedRoute, { guards, decorators }: Extras): Type<NotificationsController> {
  class MountedNotificationsController extends NotificationsController {}
  decorate(MountedNotificationsController, decorators);
  const own = unlessTicket(guards, MountedNotificationsController);
  UseGuards(TicketGuard, OriginGuard, ...own, NotificationsGuard)(MountedNotificationsController);
  controllerAt(route)(MountedNotificationsController);
  nameController(MountedNotificationsController, route.name, 'NotificationsController');
  return MountedNotificationsController;
}

export function mountClient(route: FeedRoute, { decorators, clientDecorators }: Extras): Type<ClientController> {
  class MountedClientController extends ClientController {}
  decorate(MountedClientController, [...clientDecorators, ...decorators]);
  controllerAt(route)(MountedClientController);
  return MountedClientController;
}

/**
 * Whether the application has global interceptors or exception filters, which observe the answers.
 */
export function isObserved(application: ApplicationConfig): boolean {
  return (
    application.getGlobalInterceptors().length > 0 ||
    application.getGlobalRequestInterceptors().length > 0 ||
    application.getGlobalFilters().length > 0 ||
    application.getGlobalRequestFilters().length > 0
  );
}

/** Whether `decorators` added interceptors or exception filters to a controller. */
export function hasObservers(controller: Type): boolean {
  return OBSERVER_KEYS.some((key) => Reflect.hasMetadata(key, controller));
}

/** Applies decorators as TypeScript does: the last one first. */
export function decorate(controller: Type, decorators: readonly ClassDecorator[]): void {
  for (const decorator of [...decorators].reverse()) decorator(controller);
}

/**
 * Names a controller class after its feed. Logs contain this name, and the tags and operations of
 * an OpenAPI document contain it too.
 */
export function nameController(controller: Type, feed: string | undefined, base: string): void {
  Object.defineProperty(controller, 'name', { value: `${componentName(feed ?? '')}${base}` });
}

export function controllerAt({ path, version }: FeedRoute): ClassDecorator {
  const options: ControllerOptions = { path, ...(version !== undefined && { version }) };
  return Controller(options);
}
