import { Injectable } from '@nestjs/common';
import type { LogEntry } from '../../core/notification.js';
import type { FeedObserver } from '../../core/observer.js';
import { RECORDS } from './inbox-topics.js';

const ignore = (): void => undefined;

/**
 * Receives the records of all inboxes from the tail of the log. The feed needs this observer when
 * it opens, but `InboxStates` needs the open feed. So `Inbox` sets `onRecord` later.
 */
@Injectable()
export class RecordObserver implements FeedObserver {
  onRecord: (entry: LogEntry) => void = ignore;

  published(entries: readonly LogEntry[]): void {
    for (const entry of entries) if (entry.topic.startsWith(RECORDS)) this.onRecord(entry);
  }
}
