import { topicOf } from 'nest-notifications';
import type { User } from '../../shared/api.js';

/** The topic of one customer. */
export const customerTopic = (id: string) => topicOf('user', id);

/** The topics of the feed of orders that a user follows. */
export function topicsOf({ id, role }: Pick<User, 'id' | 'role'>): readonly ('keepers' | `user.${string}`)[] {
  return role === 'keeper' ? ['keepers'] : [customerTopic(id)];
}
