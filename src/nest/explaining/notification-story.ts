/** Whether readers receive a notification now, or why they do not. */
export type StoryStatus =
  /** Readers with access receive it. */
  | 'deliverable'
  /** Its `expiresAt` has passed. */
  | 'expired'
  /** A newer notification of the topic has the same key. */
  | 'superseded'
  /** It was retracted. */
  | 'retracted'
  /** Its topic was erased after its publish, and the store still removes it. */
  | 'erased'
  /** Retention has removed it from the log. */
  | 'trimmed'
  /** The store knows the id, but needs the topic to find the notification: see `reasons`. */
  | 'topic_needed'
  /** The node does not know the id: see `reasons`. */
  | 'unknown';

/** A reason why a notification is unknown or not delivered. */
export type StoryReason =
  /** No publish had this id. */
  | 'never_published'
  /** The idempotency window of the store has forgotten the id. */
  | 'id_forgotten'
  /** The topic was erased, and the store has removed the id. */
  | 'erased'
  /** Retention has removed the notification. */
  | 'trimmed'
  /** The store cannot look up ids, so only the window in memory was searched. Give the topic. */
  | 'no_lookup'
  /** The notification is not in the window in memory. Give its topic. */
  | 'topic_needed'
  /** The id was published, but not on the given topic. */
  | 'other_topic'
  /** A search of the topic ended at its limit, so the answer may lack events. */
  | 'search_limit';

/** One event in the life of a notification. Deliveries have their own list. */
export type StoryEvent =
  | { readonly type: 'published'; readonly time: string }
  | { readonly type: 'expired'; readonly time: string }
  /** `by` is the id of the newest notification of the topic with the same key. */
  | { readonly type: 'superseded'; readonly time: string; readonly by: string; readonly key: string }
  /** `time` is absent if the record of the retraction was not found. */
  | { readonly type: 'retracted'; readonly time?: string | undefined }
  /** `time` is absent if the record of the erasure is no longer in the log. */
  | { readonly type: 'erased'; readonly time?: string | undefined }
  | { readonly type: 'trimmed' };

/** A delivery that this node has recorded. */
export interface StoryDelivery {
  readonly time: string;
  readonly transport: 'poll' | 'stream' | 'history';
  /** Absent for a reader without a subscriber. */
  readonly subscriber?: string | undefined;
}

/** Whether the subscriber of the question may read the topic, by the rules of the feed. */
export interface StoryAccess {
  readonly subscriber: string;
  /**
   * `unknown`: a rule reads the request, for example a header, or a rule has failed.
   */
  readonly allowed: 'yes' | 'no' | 'unknown';
  /**
   * The rule that has decided, or that could not decide. `access.requestFor` decides `no` if the
   * subscriber does not exist. `access.topics`: the subscriber's own topics. `inbox.topics`: the
   * topics of the subscriber's inbox.
   */
  readonly rule: 'access.read' | 'access.requestFor' | 'access.topics' | 'inbox.topics';
  /** Polls and streams of the subscriber on this node that read the topic now. */
  readonly waiters: number;
}

/** The state of the notification as an item of the subscriber's inbox. */
export interface StoryItem {
  /** `none`: it is not on the subscriber's topics, or the inbox no longer has it. */
  readonly state: 'item' | 'none';
  readonly seen: boolean;
  readonly read: boolean;
  readonly archived: boolean;
  readonly removed: boolean;
  /** An RFC 3339 timestamp in UTC. */
  readonly snoozedUntil?: string | undefined;
}

/** The notification itself. Its `data` is absent unless the call asks for it. */
export interface StoryNotification {
  readonly topic: string;
  readonly type: string;
  /** The time of the publish: an RFC 3339 timestamp in UTC. */
  readonly time: string;
  /** The cursor right after the notification. */
  readonly cursor: string;
  /** The length of its JSON in UTF-8. */
  readonly bytes: number;
  readonly publisher?: string | undefined;
  readonly key?: string | undefined;
  readonly priority?: string | undefined;
  readonly expiresAt?: string | undefined;
  readonly traceparent?: string | undefined;
  readonly data?: unknown;
}

/** The deliveries of a notification on this node, as far as they were recorded. */
export interface StoryDeliveries {
  /**
   * `unknown`: nothing was recorded. `sampled`: recorded, but some deliveries may be missing.
   * `complete`: every delivery of this node since the publish was recorded.
   */
  readonly recorded: 'unknown' | 'sampled' | 'complete';
  /** The recorded number of deliveries to all readers, by transport. */
  readonly counts: { readonly poll: number; readonly stream: number; readonly history: number };
  /** At most 20, the newest ones. With a subscriber, only deliveries to this subscriber. */
  readonly list: readonly StoryDelivery[];
}

/** The question to `explain`. */
export interface ExplainOptions {
  /** Adds the access, the deliveries and the inbox item of this subscriber. @default none */
  readonly subscriber?: string | undefined;
  /** The topic of the notification. Without it, only the window is searched. @default none */
  readonly topic?: string | undefined;
  /**
   * Adds the `data` of the notification. It may be private, so it is left out by default.
   * @default false
   */
  readonly data?: boolean | undefined;
}

/** The answer to "why did this reader not receive this notification?". */
export interface NotificationStory {
  readonly id: string;
  readonly status: StoryStatus;
  /**
   * The possible reasons for the statuses `unknown`, `topic_needed` and `trimmed`. For other
   * statuses it is empty, or it has `search_limit`.
   */
  readonly reasons: readonly StoryReason[];
  /** Absent if the log no longer has the notification. */
  readonly notification?: StoryNotification | undefined;
  /** In the order of time. Events without a time are last. */
  readonly events: readonly StoryEvent[];
  readonly deliveries: StoryDeliveries;
  /** Present if the question names a subscriber and the topic is known. */
  readonly access?: StoryAccess | undefined;
  /** Present if the feed belongs to an inbox and the question names a subscriber. */
  readonly item?: StoryItem | undefined;
}
