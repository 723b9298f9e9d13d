/** Like all icons, a path in a box of 24 by 24. */
export const BELL = 'M6 10a6 6 0 0 1 12 0c0 5.5 2 6.5 2 6.5H4S6 15.5 6 10ZM10 19.5a2.1 2.1 0 0 0 4 0';
/** The icons of the operations on an item. */
export const ACTION_ICONS = {
  markRead: 'm5 12.5 4.5 4.5L19 7.5',
  markUnread: 'M6.5 12a5.5 5.5 0 1 0 11 0 5.5 5.5 0 1 0-11 0Z',
  archive: 'M4 5h16v4H4ZM5.5 9v10h13V9M10 13h4',
  unarchive: 'M9 6 4.5 10.5 9 15M5 10.5h9a5 5 0 0 1 0 10h-3',
  remove: 'M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7',
};
