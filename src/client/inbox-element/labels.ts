/** The texts of the element. The property `labels` replaces some or all of them. */
export interface InboxLabels {
  /** The name of the panel, and of the bell if nothing is unread. */
  readonly title: string;
  /** Returns the name of the bell. The argument is the displayed count, such as `3` or `99+`. */
  readonly bell: (count: string) => string;
  /** The name of the buttons that choose a list. */
  readonly filter: string;
  /** The button for the items that are not archived. */
  readonly inbox: string;
  /** The button for the unread items. */
  readonly unread: string;
  /** The button for the archived items. */
  readonly archived: string;
  /** The button that marks all shown items as read. */
  readonly markAllRead: string;
  /** The button that marks an item as read. */
  readonly markRead: string;
  /** The button that marks an item as unread. */
  readonly markUnread: string;
  /** The button that archives an item. */
  readonly archive: string;
  /** The button that moves an archived item back. */
  readonly unarchive: string;
  /** The button that removes an archived item permanently. */
  readonly remove: string;
  /** The text before an unread item, for screen readers. */
  readonly unreadItem: string;
  /** The button that loads older items. */
  readonly older: string;
  /** Shown while items are loading. */
  readonly loading: string;
  /** Shown if the inbox has no items. */
  readonly empty: string;
  /** Shown if no item is unread. */
  readonly emptyUnread: string;
  /** Shown if no item is archived. */
  readonly emptyArchived: string;
  /** Shown while the server cannot be reached. */
  readonly offline: string;
  /** Shown after an error. */
  readonly error: string;
  /** Shown if the server has rejected a change. */
  readonly changeFailed: string;
  /** The button that tries again after an error. */
  readonly retry: string;
  /** Shown after an item was archived. */
  readonly archivedNotice: string;
  /** The button that moves the last archived item back. */
  readonly undo: string;
  /** Announced to screen readers when items arrive: their number, and the title of the newest. */
  readonly arrived: (count: number, title: string) => string;
}

/** The default texts. */
export const ENGLISH: InboxLabels = {
  title: 'Notifications',
  bell: (count) => `Notifications, ${count} unread`,
  filter: 'Show',
  inbox: 'All',
  unread: 'Unread',
  archived: 'Archived',
  markAllRead: 'Mark all as read',
  markRead: 'Mark as read',
  markUnread: 'Mark as unread',
  archive: 'Archive',
  unarchive: 'Move to inbox',
  remove: 'Delete permanently',
  unreadItem: 'Unread: ',
  older: 'Show older',
  loading: 'Loading…',
  empty: 'No notifications yet',
  emptyUnread: 'Nothing unread',
  emptyArchived: 'Nothing archived',
  offline: 'No connection. The list updates when you are online again.',
  error: 'The notifications could not be loaded.',
  changeFailed: 'The change could not be saved.',
  retry: 'Try again',
  archivedNotice: 'Archived.',
  undo: 'Undo',
  arrived: (count, title) => (count === 1 ? `New notification: ${title}` : `${count} new notifications`),
};
