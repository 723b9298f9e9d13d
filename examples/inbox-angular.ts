import { computed, DestroyRef, inject, Injectable, signal } from '@angular/core';
import { createInbox, type InboxTarget } from 'nest-notifications/client/inbox';

@Injectable({ providedIn: 'root' })
export class InboxSignals {
  readonly #inbox = createInbox({ url: '/inbox' });
  readonly #snapshot = signal(this.#inbox.snapshot);
  readonly items = computed(() => this.#snapshot().items);
  readonly unread = computed(() => this.#snapshot().counts.unread);
  readonly status = computed(() => this.#snapshot().status);

  constructor() {
    this.#inbox.subscribe(() => {
      this.#snapshot.set(this.#inbox.snapshot);
    });
    inject(DestroyRef).onDestroy(() => {
      this.#inbox.close();
    });
  }

  markRead(target: InboxTarget): Promise<void> {
    return this.#inbox.markRead(target);
  }

  /** Items that have arrived since the last change of the signals stay unread. */
  markAllRead(): Promise<void> {
    return this.#inbox.markAllRead(this.#snapshot());
  }
}
