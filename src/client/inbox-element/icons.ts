/** Paths of the icons, in a box of 24 by 24. */
export const BELL = 'M6 10a6 6 0 0 1 12 0c0 5.5 2 6.5 2 6.5H4S6 15.5 6 10ZM10 19.5a2.1 2.1 0 0 0 4 0';
export const CHECK = 'm5 12.5 4.5 4.5L19 7.5';
export const DOT = 'M6.5 12a5.5 5.5 0 1 0 11 0 5.5 5.5 0 1 0-11 0Z';
export const ARCHIVE = 'M4 5h16v4H4ZM5.5 9v10h13V9M10 13h4';
export const BACK = 'M9 6 4.5 10.5 9 15M5 10.5h9a5 5 0 0 1 0 10h-3';
export const REMOVE = 'M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7';
