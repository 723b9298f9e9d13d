import { DestroyRef, inject, Injectable, type Signal, signal } from '@angular/core';
import { toSignal } from '@angular/core/rxjs-interop';
import { connect, type FeedState, type Notification } from 'nest-notifications/client';
import { from, type Observable, share } from 'rxjs';

@Injectable({ providedIn: 'root' })
export class NotificationsFeed {
  /** Asks while somebody is subscribed, once for all of them. */
  readonly notifications$: Observable<Notification>;
  /** The newest one. */
  readonly latest: Signal<Notification | undefined>;
  readonly state: Signal<FeedState>;

  constructor() {
    const feed = connect({ url: '/notifications', topics: ['orders'], share: 'orders' });
    this.notifications$ = from(feed).pipe(share());
    const state = signal(feed.state);
    feed.onState((now) => {
      state.set(now);
    });
    this.state = state.asReadonly();
    this.latest = toSignal(this.notifications$);
    inject(DestroyRef).onDestroy(() => {
      feed.close();
    });
  }
}
