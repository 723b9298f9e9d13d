/** How urgent a notification is. It does not change the order. */
export type Priority = 'low' | 'normal' | 'high';

/**
 * A notification, as subscribers receive it. It is immutable once appended to the log. The optional
 * fields are the options of its publish, see `PublishOptions`.
 */
export interface Notification<Topic extends string = string, Type extends string = string, Data = unknown> {
  /** Identifies the notification. The publisher may choose it. */
  readonly id: string;
  /** The topic that it was published to. */
  readonly topic: Topic;
  /** Its kind, such as `order.shipped`. It decides the shape of `data`. */
  readonly type: Type;
  /** The time of the publish: an RFC 3339 timestamp in UTC. */
  readonly time: string;
  /** When it expires: an RFC 3339 timestamp in UTC. */
  readonly expiresAt?: string;
  /** If several notifications of a topic have the same key, a page contains only the newest one. */
  readonly key?: string;
  /** Set if only notifications of the same publisher replace it. Over HTTP the server sets it. */
  readonly keyScope?: 'publisher';
  readonly priority?: Priority;
  /** The name of the publisher. Over HTTP it is the subscriber of the caller. */
  readonly publisher?: string;
  /** The trace of its publish: a `traceparent` of W3C Trace Context. */
  readonly traceparent?: string;
  /** The application's data: any JSON value. */
  readonly data: Data;
}

/**
 * An application's notification types. It maps each topic to types, and each type to its data. A
 * topic may be a template literal.
 *
 * ```ts
 * interface AppNotifications {
 *   orders: { 'order.shipped': { orderId: number } };
 *   [user: `user.${string}`]: { mention: { by: string } };
 * }
 * ```
 *
 * `NotificationsService<AppNotifications>` uses the map as the types of `publish`, `poll` and
 * `follow`.
 */
export type NotificationMap = object;

/** The map of an application without its own map: any topic, any type, any data. */
export type AnyNotifications = Record<string, Record<string, unknown>>;

/**
 * Replaces a map without topics by `AnyNotifications`. In `app.get(NotificationsService)`,
 * TypeScript infers such a map: `object`.
 */
type Declared<Map extends NotificationMap> = [keyof Map] extends [never] ? AnyNotifications : Map;

/** The topics of a map. */
export type TopicOf<Map extends NotificationMap> = Extract<keyof Declared<Map>, string>;

/** A pattern that a request may name like a topic: see the option `patterns`. */
export type PatternName = '*' | `${string}.*`;

/**
 * The topics that a requested name includes: the topic itself, or all topics that match the
 * pattern.
 */
export type IncludedTopic<Map extends NotificationMap, Name extends string> = Name extends `${infer Prefix}*`
  ? Matching<TopicOf<Map>, Prefix>
  : Extract<Name, TopicOf<Map>>;

/** In a map without declared topics, any topic may match. */
type Matching<Topic extends string, Prefix extends string> = string extends Topic
  ? Topic
  : Extract<Topic, `${Prefix}${string}`>;

/** The types of the notifications of a topic. */
export type TypeOf<Map extends NotificationMap, Topic extends TopicOf<Map>> = Extract<
  keyof Declared<Map>[Topic],
  string
>;

/** The data of a type on a topic. */
export type DataOf<
  Map extends NotificationMap,
  Topic extends TopicOf<Map>,
  Type extends TypeOf<Map, Topic>,
> = Declared<Map>[Topic][Type];

/** Every notification that a map allows on the given topics, as one discriminated union. */
export type NotificationOf<Map extends NotificationMap, Topic extends TopicOf<Map> = TopicOf<Map>> = {
  [T in Topic]: { [K in TypeOf<Map, T>]: Notification<T, K, DataOf<Map, T, K>> }[TypeOf<Map, T>];
}[Topic];

/** A notification before it is appended: its JSON text, and the two fields that a store needs. */
export interface Draft {
  readonly id: string;
  readonly topic: string;
  /**
   * The whole {@link Notification} as JSON on one line. It is written once, when published, and
   * never changes.
   */
  readonly json: string;
}

/** A draft with its position in the log. */
export interface LogEntry extends Draft {
  readonly position: number;
  /** Length of `json` in UTF-8. */
  readonly bytes: number;
}

/** Makes the log entry of a draft at a position. */
export function logEntry(position: number, draft: Draft): LogEntry {
  const { id, topic, json } = draft;
  return { position, id, topic, json, bytes: utf8Length(json) };
}

/**
 * Length in UTF-8, without encoding the text. In valid JSON text every surrogate pair takes 4
 * bytes.
 */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return bytes;
}
