export { NotificationsModule } from './nest/notifications.module.js';
export type { NotificationsOptionsFactory } from './nest/notifications.module.js';
export type { NotificationsModuleExtras } from './nest/module/module-extras.js';
export {
  getNotificationsOptionsToken,
  getNotificationsStoreToken,
  getNotificationsToken,
  InjectNotifications,
} from './nest/module/feed-tokens.js';
export { NotificationsService } from './nest/notifications.service.js';
export type { NewNotification } from './nest/notifications.service.js';
export type { PollRequest } from './nest/feed-request.js';
export type { Iterated, IterateRequest, NotificationIterator } from './nest/reading/notification-iterator.js';
export type { Publication, Published } from './nest/publishing/publisher.js';
export type {
  CutEvent,
  LimitedEvent,
  RefusedEvent,
  RevokedEvent,
  SecurityEvent,
  SecurityLimit,
  SecurityRequest,
  SecurityRoute,
} from './nest/security/security-event.js';
export { NotificationsController } from './nest/notifications.controller.js';
export { NotificationsException } from './nest/notifications.exception.js';
export type {
  Access,
  AccessContext,
  AccessProvider,
  AccessRules,
  PatternRules,
  TopicRule,
} from './nest/access/access.js';
export { isTicketRequest } from './nest/tickets/ticket.guard.js';
export { redactTicket } from './wire/ticket.js';
export type { Ticket } from './nest/tickets/new-ticket.js';
export type { TopicParams } from './wire/topic-patterns.js';
export { parseTopic, topicOf } from './wire/topic-of.js';
export type { TopicPart } from './wire/topic-of.js';
export type { NotificationsOptions, Schemas, TrustProxy } from './nest/options.js';
export { memoryStore } from './stores/memory/memory-store.js';
export type { MemoryStoreOptions } from './stores/memory/memory-store.js';
export { abilitiesOf, checkClaim } from './core/abilities.js';
export type { StoreAbilities, StoreAbility } from './core/abilities.js';
export { NotificationsError } from './core/errors.js';
export type { ErrorCode } from './core/errors.js';
export { logEntry } from './core/notification.js';
export type {
  AnyNotifications,
  DataOf,
  Draft,
  LogEntry,
  Notification,
  NotificationMap,
  NotificationOf,
  TopicOf,
  TypeOf,
} from './core/notification.js';
export type { Gap } from './core/gap.js';
export type { FeedHealth } from './core/feed.js';
export type { NotificationsCounts } from './nest/http/unread.js';
export type { Clock, Timer } from './core/clock.js';
export type {
  Appended,
  AppendResult,
  ClaimStore,
  Epoch,
  IdLookup,
  ReadQuery,
  ReadResult,
  Store,
  StoreFactory,
  StoreLogger,
  StoreRuntime,
  Tail,
  TailBatch,
} from './core/store.js';
export type { Page } from './wire/encoder.js';
