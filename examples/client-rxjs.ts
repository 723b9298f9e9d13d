import { connect, type Feed, type FeedState, type Notification } from 'nest-notifications/client';
import { from, Observable, share } from 'rxjs';

/** A service for Angular, with `@Injectable({ providedIn: 'root' })` in front of it. */
export class Notifications {
  /** Asks while somebody is subscribed, once for all of them. */
  readonly notifications$: Observable<Notification>;
  readonly state$: Observable<FeedState>;
  readonly #feed: Feed;

  constructor(url = '/notifications') {
    const feed = connect({ url, topics: ['orders'], share: 'orders' });
    this.#feed = feed;
    this.notifications$ = from(feed).pipe(share());
    this.state$ = new Observable((subscriber) => {
      subscriber.next(feed.state);
      return feed.onState((state) => {
        subscriber.next(state);
      });
    });
  }

  ngOnDestroy(): void {
    this.#feed.close();
  }
}
