// Compiled, not run: the published types in an ES module application. types.cts has the same for
// CommonJS.
import { Injectable, Module } from '@nestjs/common';
import {
  getNotificationsOptionsToken,
  getNotificationsStoreToken,
  getNotificationsToken,
  InjectNotifications,
  isTicketRequest,
  type Iterated,
  NotificationsModule,
  NotificationsService,
  parseTopic,
  type Publication,
  redactTicket,
  type SecurityEvent,
  topicOf,
} from 'nest-notifications';
import { NotificationsError, type Store, type StoreFactory } from 'nest-notifications/store';
import * as testing from 'nest-notifications/testing';

@Injectable()
export class OrdersService {
  constructor(
    private readonly notifications: NotificationsService,
    @InjectNotifications('telemetry') private readonly telemetry: NotificationsService,
  ) {}

  async ship(): Promise<void> {
    await this.notifications.publish('orders', { type: 'order.shipped', data: { id: 1 } });
  }

  mistake(): void {
    // @ts-expect-error A draft has a type; were the published types `any`, this would be no error.
    void this.notifications.publish('orders', { data: {} });
  }

  async follow(signal: AbortSignal): Promise<Iterated | undefined> {
    for await (const iterated of this.telemetry.iterate({ topics: [topicOf('user', 'ann')], signal })) return iterated;
    return undefined;
  }

  prepare(): Promise<Publication> {
    return this.notifications.prepare('orders', { type: 'order.shipped', data: { id: 1 } });
  }

  watch(names: string[]): void {
    this.notifications.securityEvents.subscribe((event) => names.push(nameOf(event)));
    // @ts-expect-error Events have no such field.
    this.notifications.securityEvents.subscribe(({ token }) => names.push(token));
  }
}

function nameOf(event: SecurityEvent): string {
  if (event.type === 'refused') return `${event.route} ${event.code ?? event.status}`;
  return event.type === 'revoked' ? event.subscriber : event.limit;
}

@Module({ imports: [NotificationsModule.forRoot({ access: 'public' })], providers: [OrdersService] })
export class AppModule {}

// With exactOptionalPropertyTypes an application may pass on a setting that it does not have.
NotificationsModule.forRoot({ access: 'public', isGlobal: undefined, poll: undefined, stream: { retryMs: undefined } });

// @ts-expect-error The options are typed too.
NotificationsModule.forRoot({ access: 42 });

// A driver as its author writes it, without Nest.
export const driver =
  (open: () => Store): StoreFactory =>
  ({ logger }) => {
    logger.warn('opening');
    return { ...open(), append: () => Promise.reject(new NotificationsError('store_unavailable', 'read only')) };
  };

// @ts-expect-error A driver has four methods.
export const notAStore: Store = { close: () => Promise.resolve() };

export const tokens = [
  getNotificationsToken(),
  getNotificationsOptionsToken(),
  getNotificationsStoreToken('telemetry'),
];
export const parts: readonly string[] = parseTopic('user.ann');
export const hidden: string = redactTicket('/notifications?ticket=x');

export { isTicketRequest, testing };
