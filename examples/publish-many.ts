import { Injectable, Logger } from '@nestjs/common';
import { NotificationsService, topicOf } from 'nest-notifications';

@Injectable()
export class Announcements {
  readonly #logger = new Logger('Announcements');

  constructor(private readonly notifications: NotificationsService) {}

  /** `userIds` may be a database cursor: it is read in chunks, as fast as the store appends. */
  announce(version: string, userIds: AsyncIterable<string>, signal?: AbortSignal) {
    const id = `release:${version}`;
    const notification = { id, type: 'release', data: { version } };
    return this.notifications.publishMany(topicsOf(userIds), notification, {
      signal,
      onProgress: ({ topics }) => this.#logger.log(`${id} is published to ${topics} users`),
    });
  }
}

async function* topicsOf(userIds: AsyncIterable<string>) {
  for await (const userId of userIds) yield topicOf('user', userId);
}
