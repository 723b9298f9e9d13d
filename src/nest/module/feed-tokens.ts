import { Inject, type InjectionToken } from '@nestjs/common';
import { NotificationsService } from '../notifications.service.js';

/**
 * The injection token of a feed's service: the class `NotificationsService` for the feed without a name.
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
 * constructor(@InjectNotifications('telemetry') private readonly telemetry: NotificationsService) {}
 * ```
 *
 * @param name - The `name` that the feed has in `NotificationsModule.forRoot`; undefined for the feed without one.
 */
export function InjectNotifications(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getNotificationsToken(name));
}

/**
 * The injection token of a feed's options. Tests override it to start the application with other ones. It is asked for
 * before the store is opened.
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
 * The injection token of a feed's store, as the option `store` gives it. Tests override it to keep all other options:
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
