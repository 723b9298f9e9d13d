import { DestroyRef, inject, Injectable, type Signal, signal } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import { connect, type FeedState, type Notification } from 'nest-notifications/client';
import { betweenTabs } from 'nest-notifications/client/tabs';
import { from, type Observable, share } from 'rxjs';

@Injectable({ providedIn: 'root' })
export class OrdersFeed {
  /** Reads while it has subscribers; they share one connection. */
  readonly notifications$: Observable<Notification>;
  /** The newest notification. */
  readonly latest: Signal<Notification | undefined>;
  readonly state: Signal<FeedState>;

  constructor() {
    const feed = connect({ url: '/notifications', topics: ['orders'], share: betweenTabs('orders') });
    this.notifications$ = from(feed).pipe(share());
    const state = signal(feed.state);
    feed.onState((current) => {
      state.set(current);
    });
    this.state = state.asReadonly();
    this.latest = toSignal(this.notifications$);
    inject(DestroyRef).onDestroy(() => {
      feed.close();
    });
  }
}
