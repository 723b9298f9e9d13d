import type { AccessChoice } from './nest-add-options.js';

/** The file of the example controller. */
export function exampleController(access: AccessChoice): string {
  return access === 'user' ? ofUser : ofEveryone;
}

const ofEveryone = `import { Controller, Post } from '@nestjs/common';
import { NotificationsService } from 'nest-notifications';

/** An example that any caller can use. Replace it with your own code. */
@Controller('example')
export class NotificationsExampleController {
  constructor(private readonly notifications: NotificationsService) {}

  // The topic is example.
  @Post()
  publish() {
    return this.notifications.publish('example', { type: 'example.created', data: { text: 'Hello' } });
  }
}
`;

const ofUser = `import { Controller, Param, Post } from '@nestjs/common';
import { NotificationsService, topicOf } from 'nest-notifications';

/** An example that any caller can use. Replace it with your own code. */
@Controller('example')
export class NotificationsExampleController {
  constructor(private readonly notifications: NotificationsService) {}

  // The topic is user.<id>.
  @Post(':user')
  publish(@Param('user') user: string) {
    return this.notifications.publish(topicOf('user', user), { type: 'example.created', data: { text: 'Hello' } });
  }
}
`;
