import { Inject, type InjectionToken } from '@nestjs/common';
import { NotificationsService } from '../notifications.service.js';

/**
 * The injection token of a feed's service: the class `NotificationsService` for the feed without a
 * name.
 *
 * @param name - The `name` that the feed has in `NotificationsModule.forRoot`.
 */
export function getNotificationsToken(name?: string): InjectionToken<NotificationsService> {
  return name === undefined ? NotificationsService : `NotificationsService(${name})`;
}

/**
 * Injects the service of a named feed.
 *
 * ```ts
 * constructor(@InjectNotifications('telemetry') private readonly feed: NotificationsService) {}
 * ```
 *
 * @param name - The `name` that the feed has in `NotificationsModule.forRoot`. Omit it for the feed
 *   without a name.
 */
export function InjectNotifications(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getNotificationsToken(name));
}

/**
 * The injection token of a feed's options. Tests override it to start the application with other
 * options. Nest resolves it before the store is opened.
 *
 * ```ts
 * Test.createTestingModule({ imports: [AppModule] })
 *   .overrideProvider(getNotificationsOptionsToken())
 *   .useValue({ access: 'public' });
 * ```
 */
export function getNotificationsOptionsToken(name?: string): InjectionToken<unknown> {
  return name === undefined ? 'NotificationsOptions' : `NotificationsOptions(${name})`;
}

/**
 * The injection token of a feed's store, with the value of the option `store`. Tests override it to
 * change only the store:
 *
 * ```ts
 * Test.createTestingModule({ imports: [AppModule] })
 *   .overrideProvider(getNotificationsStoreToken())
 *   .useValue(memoryStore());
 * ```
 */
export function getNotificationsStoreToken(name?: string): InjectionToken<unknown> {
  return name === undefined ? 'NotificationsStore' : `NotificationsStore(${name})`;
}
