/** The entry for applications. Authors of store drivers import `nest-notifications/store`. */
export { NotificationsModule } from './nest/notifications.module.js';
export type { NotificationsOptionsFactory } from './nest/notifications.module.js';
export type { NotificationsModuleExtras } from './nest/module/module-extras.js';
export type { OpenApiOptions } from './nest/openapi/openapi-options.js';
export type { NotificationsOptions } from './nest/options.js';
export {
  getNotificationsOptionsToken,
  getNotificationsStoreToken,
  getNotificationsToken,
  InjectNotifications,
} from './nest/module/feed-tokens.js';
export { NotificationsService } from './nest/notifications.service.js';
export type { NewNotification } from './nest/publishing/new-notification.js';
export type { PublishItem } from './core/draft.js';
export type { PublishOptions } from './core/publish-options.js';
export type {
  ExplainOptions,
  NotificationStory,
  StoryAccess,
  StoryDeliveries,
  StoryDelivery,
  StoryEvent,
  StoryItem,
  StoryNotification,
  StoryReason,
  StoryStatus,
} from './nest/explaining/notification-story.js';
export type { Erased, ErasureTarget } from './nest/erasing/eraser.js';
export type { ErasedTopic } from './core/erasure.js';
export type { Publication, Published } from './nest/publishing/publisher.js';
export type { PublishManyOptions } from './nest/publishing/many-publisher.js';
export { PublishManyError } from './nest/publishing/publish-many-error.js';
export type { PublishManyProgress } from './nest/publishing/publish-many-error.js';
export type { HistoryRequest, PollRequest } from './nest/feed-request.js';
export type { Iterated, IterateRequest, NotificationIterator } from './nest/reading/notification-iterator.js';
export type { Page } from './wire/encoder.js';
export type { HistoryPage } from './wire/history.js';
export type { Gap } from './core/gap.js';
export type { Retraction } from './core/retraction.js';
export type { NotificationsHealth } from './core/health.js';
export type { NotificationsCounts } from './nest/http/unread.js';
export type { NotificationsTotals } from './core/observer.js';
export type { SecurityEvent, SecurityRequest } from './nest/security/security-event.js';
export { NotificationsException } from './nest/notifications.exception.js';
export type { ErrorCode } from './core/errors.js';
export type {
  Access,
  AccessContext,
  AccessProvider,
  AccessRules,
  RetractContext,
  TopicRule,
} from './nest/access/access.js';
export type { TopicParams } from './wire/topic-patterns.js';
export { parseTopic, topicOf } from './wire/topic-of.js';
export { isTicketRequest } from './nest/tickets/ticket.guard.js';
export { redactTicket } from './wire/ticket.js';
export { memoryStore } from './stores/memory/memory-store.js';
export type { MemoryStoreOptions } from './stores/memory/memory-store.js';
export type { StoreFactory } from './core/store.js';
export type { Retention } from './core/retention.js';
export type {
  AnyNotifications,
  DataOf,
  IncludedTopic,
  Notification,
  NotificationMap,
  NotificationOf,
  PatternName,
  Priority,
  TopicOf,
  TypeOf,
} from './core/notification.js';
