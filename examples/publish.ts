import { Injectable } from '@nestjs/common';
import { NotificationsService, topicOf } from 'nest-notifications';

@Injectable()
export class Billing {
  constructor(private readonly notifications: NotificationsService) {}

  /** An id makes a retry harmless: the second call appends nothing and resolves like the first. */
  paid(invoiceId: string) {
    const id = `invoice-paid:${invoiceId}`;
    return this.notifications.publish('invoices', { id, type: 'invoice.paid', data: { invoiceId } });
  }

  /** Several notifications of one topic: all are appended, or none. */
  reminders(invoiceIds: string[]) {
    const items = invoiceIds.map((invoiceId) => ({ type: 'invoice.due', data: { invoiceId } }));
    return this.notifications.publish('invoices', items);
  }

  /** The same for different topics. `topicOf` accepts any user id. */
  refunded(invoiceId: string, userId: string) {
    return this.notifications.publishAll([
      { topic: 'invoices', type: 'invoice.refunded', data: { invoiceId } },
      { topic: topicOf('user', userId), type: 'refund', data: { invoiceId } },
    ]);
  }
}
