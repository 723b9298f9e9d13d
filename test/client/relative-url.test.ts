import { expect, test } from '@jest/globals';
import { connect } from 'nest-notifications/client';
import { createInbox } from 'nest-notifications/client/inbox';

const expected = { name: 'FeedError', code: 'url_invalid', message: 'outside a page, url must be absolute' };

test('a relative URL outside a page ends the feed', async () => {
  const feed = connect({ url: '/notifications' });
  const error = await new Promise((resolve) => {
    feed.subscribe({ next: () => undefined, error: resolve });
  });
  expect(error).toMatchObject(expected);
  expect(feed.state.phase).toBe('closed');
});

test('a relative URL outside a page ends the inbox', async () => {
  const inbox = createInbox({ url: '/inbox' });
  await expect(inbox.reload()).rejects.toMatchObject(expected);
  inbox.close();
});
