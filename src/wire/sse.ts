import type { LogPage } from '../core/page.js';
import { retractionOf } from '../core/retraction.js';
import { CURSOR_EVENT, GAP_EVENT, RETRACTED_EVENT } from './protocol.js';

/*
 * Server-sent events, as in the WHATWG HTML standard, section 9.2. Three rules hold for each block:
 *
 * - `id:` is the last field. If a block is cut off, the client keeps its last event id and reads
 *   the block again.
 * - A block contains only JSON, cursors and numbers. JSON text has no line break and no NUL, so a
 *   notification cannot end a line early.
 * - A block has data. A blank line without data makes some clients (fetch-event-source) deliver an
 *   empty event.
 */

/** A heartbeat: one comment line. */
export const HEARTBEAT = ':\n';

/**
 * The opening of a stream: the pause before a reconnect, and the cursor of the start if there is
 * one. Without this cursor, a client whose stream ends before the first notification would start
 * again at the end of the log.
 */
export function openingBlock(retryMs: number, cursor: string | undefined): string {
  return retryLine(retryMs) + (cursor === undefined ? '' : cursorBlock(cursor));
}

/** Sets the client's reconnect pause. Write it before a block, or at the end of a stream. */
export function retryLine(retryMs: number): string {
  return `retry: ${retryMs}\n`;
}

/**
 * Advances the client's cursor without a notification. The event has a name, so `onmessage` is not
 * called.
 */
export function cursorBlock(cursor: string): string {
  return `event: ${CURSOR_EVENT}\ndata: {}\nid: ${cursor}\n\n`;
}

/** Makes the ids of blocks. */
export interface BlockIds {
  after(position: number): string;
  before(position: number): string;
  /** The id at the end of a page without notifications. */
  end(): string;
}

/** All blocks of a page in one text, for one write. */
export function pageToSse(page: LogPage, ids: BlockIds): string {
  let text = '';
  if (page.gap) {
    // A stream that is cut off after this block resumes with the first notification of the page.
    const first = page.entries[0];
    const id = first ? ids.before(first.position) : ids.end();
    text += `event: ${GAP_EVENT}\ndata: ${JSON.stringify(page.gap)}\nid: ${id}\n\n`;
  }
  for (const entry of page.entries) {
    const retraction = retractionOf(entry);
    const data = retraction ? `event: ${RETRACTED_EVENT}\ndata: ${JSON.stringify(retraction)}` : `data: ${entry.json}`;
    text += `${data}\nid: ${ids.after(entry.position)}\n\n`;
  }
  return text;
}
