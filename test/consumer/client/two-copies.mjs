import { FeedError } from 'nest-notifications/client';
import { FeedError as OtherFeedError } from 'nest-notifications-client';
import assert from 'node:assert/strict';

class SignedOut extends FeedError {}

assert.notEqual(FeedError, OtherFeedError);
assert.ok(new FeedError('ended') instanceof OtherFeedError);
assert.ok(new OtherFeedError('ended') instanceof FeedError);
assert.ok(new SignedOut('signed out') instanceof OtherFeedError);
assert.ok(!(new FeedError('ended') instanceof SignedOut));
assert.ok(!(new Error('another') instanceof FeedError));
