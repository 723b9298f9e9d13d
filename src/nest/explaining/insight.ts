import type { LogEntry } from '../../core/notification.js';
import type { Epoch } from '../../core/store.js';
import type { StoryAccess, StoryDeliveries, StoryItem } from './notification-story.js';

/** A notification of a log. */
export interface LoggedNotification {
  readonly entry: LogEntry;
  readonly epoch: Epoch;
}

/** Records deliveries of a feed on this node. */
export interface DeliveryRecords {
  /** @param subscriber lists only deliveries to this subscriber */
  deliveriesOf(notification: LoggedNotification, subscriber: string | undefined): StoryDeliveries;
  /** Removes the name of a subscriber from all records. */
  forgetSubscriber(subscriber: string): void;
}

/** A subscriber of an inbox, as the reader of one notification. */
export interface InboxReaderStory {
  readonly access: Pick<StoryAccess, 'allowed' | 'rule'>;
  readonly item: StoryItem;
}

/** The memory that the states of inboxes use on this node. */
export interface InboxMemory {
  readonly states: number;
  readonly bytes: number;
  readonly bytesMax: number;
}

/** The inboxes of a feed. */
export interface InboxInsight {
  readerOf(entry: LogEntry, subscriber: string): Promise<InboxReaderStory>;
  memory(): InboxMemory;
}

/** The parts that other modules add to the explanations of a feed. */
export class Insight {
  #deliveries: readonly DeliveryRecords[] = [];
  #inbox: InboxInsight | undefined;

  /** The newest records. */
  get deliveries(): DeliveryRecords | undefined {
    return this.#deliveries.at(-1);
  }

  get inbox(): InboxInsight | undefined {
    return this.#inbox;
  }

  /** Uses these records from now on. Returns a function that removes them. */
  useDeliveries(records: DeliveryRecords): () => void {
    this.#deliveries = [...this.#deliveries, records];
    return () => {
      this.#deliveries = this.#deliveries.filter((one) => one !== records);
    };
  }

  /** Removes the name of a subscriber from all records of deliveries. */
  forgetSubscriber(subscriber: string): void {
    for (const records of this.#deliveries) records.forgetSubscriber(subscriber);
  }

  useInbox(inbox: InboxInsight): void {
    this.#inbox = inbox;
  }
}
