import 'reflect-metadata';
import { afterEach, expect, test } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { InboxService } from 'nest-notifications/inbox';
import { CommentsModule, CommentsService } from '../../examples/inbox.js';
import { atTestEnd, endTest } from '../support/http/cleanup.js';
import { idsOf } from '../support/inbox.js';

afterEach(endTest);

test('the example sends an item to the author, and broadcasts reach each subscriber', async () => {
  const module = await Test.createTestingModule({ imports: [CommentsModule] }).compile();
  await module.init();
  atTestEnd(() => module.close());
  const inbox = module.get(InboxService, { strict: false });
  await module.get(CommentsService).commented('ann', 7, 1);
  await inbox.send({ topic: 'announcements' }, { id: 'release', type: 'release' });
  expect(idsOf(await inbox.list('ann'))).toEqual(['release', 'comment-7.ann']);
  expect(idsOf(await inbox.list('bob'))).toEqual(['release']);
});
