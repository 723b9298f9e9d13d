import type { LogPage } from '../core/page.js';
import { CURSOR_EVENT, GAP_EVENT } from './protocol.js';

/*
 * Server-sent events as in the WHATWG HTML standard, section 9.2. Three rules hold for every block:
 *
 * - `id:` comes last. A block that is cut off then leaves the client's last event id where it was, and is read again.
 * - Nothing is written but JSON, cursors and numbers: JSON text has no line break and no NUL, so no field of a notification
 *   can end a line early.
 * - It has data, or is no block: a blank line behind anything else makes some clients (fetch-event-source) hand out an empty event.
 */

/** A heartbeat: one comment line. */
export const HEARTBEAT = ':\n';

/**
 * How a stream opens: how long to wait before a reconnect, and where it starts if that has a cursor. A client whose stream ends before the first
 * notification would otherwise begin anew at the end of the log.
 */
export function openingBlock(retryMs: number, cursor: string | undefined): string {
  return retryLine(retryMs) + (cursor === undefined ? '' : cursorBlock(cursor));
}

/** Tells the client when to come back: within whatever block follows, or as the last word of a stream. */
export function retryLine(retryMs: number): string {
  return `retry: ${retryMs}\n`;
}

/** Moves the client's cursor without news. It has a name of its own, so `onmessage` is not called. */
export function cursorBlock(cursor: string): string {
  return `event: ${CURSOR_EVENT}\ndata: {}\nid: ${cursor}\n\n`;
}

/** Makes the ids of blocks. */
export interface BlockIds {
  after(position: number): string;
  before(position: number): string;
  /** For the end of a page without notifications. */
  end(): string;
}

/** All blocks of a page in one text, for one write. */
export function pageToSse(page: LogPage, ids: BlockIds): string {
  let text = '';
  if (page.gap) {
    // A stream cut off right behind this block goes on with the first notification of the page.
    const first = page.entries[0];
    const id = first ? ids.before(first.position) : ids.end();
    text += `event: ${GAP_EVENT}\ndata: ${JSON.stringify(page.gap)}\nid: ${id}\n\n`;
  }
  for (const { json, position } of page.entries) text += `data: ${json}\nid: ${ids.after(position)}\n\n`;
  return text;
}
