/** The inbox: a list of notifications with the same state on every device. */
export { InboxModule } from './nest/inbox.module.js';
export type { InboxModuleExtras, InboxOptionsFactory } from './nest/inbox.module.js';
export type { InboxOptions } from './nest/inbox-options.js';
export { InboxService } from './nest/inbox.service.js';
export type { InboxRecipient, NewInboxItem, SentItem } from './nest/inbox.service.js';
export { getInboxToken, InjectInbox } from './nest/tokens.js';
export type { ErasedInbox, InboxListRequest, InboxResult, PerformedOperation } from './nest/inbox.js';
export type { InboxItem, InboxStatus } from './nest/inbox-item.js';
export type { InboxPage } from './nest/inbox-lists.js';
export type { InboxChange, InboxEvent } from './nest/inbox-events.js';
export type { InboxOp, InboxTarget } from './nest/operation-request.js';
export type { InboxCounts } from './inbox-counts.js';
