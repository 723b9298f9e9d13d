import type { PublishItem } from '../../core/draft.js';
import type { DataOf, NotificationMap, TopicOf, TypeOf } from '../../core/notification.js';
import type { PublishOptions } from '../../core/publish-options.js';

/** A notification to publish to a known topic. */
export type NewNotification<Map extends NotificationMap, Topic extends TopicOf<Map>> = {
  [Type in TypeOf<Map, Topic>]: PublishOptions & {
    readonly type: Type;
    readonly data: DataOf<Map, Topic, Type>;
    /**
     * Makes a repeated publish safe: the same id returns the first result.
     *
     * @default a new UUID
     */
    readonly id?: string | undefined;
  };
}[TypeOf<Map, Topic>];

/** The items of one notification, or of several, on a topic. */
export function itemsOf(topic: string, notifications: object | readonly object[]): readonly PublishItem[] {
  const list = (Array.isArray(notifications) ? notifications : [notifications]) as readonly Omit<
    PublishItem,
    'topic'
  >[];
  return list.map((notification) => ({ ...notification, topic }));
}
