import { Inject, type InjectionToken } from '@nestjs/common';
import { InboxService } from './inbox.service.js';

/** The name of an inbox, if `forRoot` has none. */
export const INBOX_NAME = 'inbox';

/**
 * The injection token of an inbox's service: the class `InboxService` for the inbox without a name
 * of its own.
 *
 * @param name - The `name` that the inbox has in `InboxModule.forRoot`.
 */
export function getInboxToken(name: string = INBOX_NAME): InjectionToken<InboxService> {
  return name === INBOX_NAME ? InboxService : `InboxService(${name})`;
}

/**
 * Injects the service of a named inbox.
 *
 * @param name - The `name` that the inbox has in `InboxModule.forRoot`.
 */
export function InjectInbox(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getInboxToken(name));
}
