// Compiled, not run: a project may use both names of the client.
import { connect } from 'nest-notifications/client';
import { betweenTabs } from 'nest-notifications-client/tabs';

export const feed = connect({ url: '/notifications', share: betweenTabs('ann') });
