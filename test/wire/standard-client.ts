import { createParser } from 'eventsource-parser';
import type { Random } from '../support/random.js';

export interface Message {
  readonly event: string;
  readonly data: string;
  readonly id: string;
}

/** The state of a client after a stream, or a part of one. */
export interface Received {
  readonly messages: readonly Message[];
  readonly lastEventId: string;
  readonly retries: readonly number[];
}

/**
 * Interprets a stream word by word as the WHATWG HTML standard, 9.2.6, does; the yardstick for
 * other clients.
 */
export function readAsStandard(bytes: Uint8Array, lastEventIdBefore = ''): Received {
  const lines = new TextDecoder().decode(bytes).split(/\r\n|\n|\r/);
  // The text after the last line end is not a line yet.
  lines.pop();
  const messages: Message[] = [];
  const retries: number[] = [];
  let [data, event, idBuffer, lastEventId] = ['', '', lastEventIdBefore, lastEventIdBefore];
  for (const line of lines) {
    if (line === '') {
      lastEventId = idBuffer;
      if (data !== '') messages.push({ event: event || 'message', data: data.slice(0, -1), id: lastEventId });
      [data, event] = ['', ''];
      continue;
    }
    const [, field, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line)!;
    if (field === 'data') data += `${value}\n`;
    if (field === 'event') event = value;
    if (field === 'id' && !value.includes('\0')) idBuffer = value;
    if (field === 'retry' && /^[0-9]+$/.test(value)) retries.push(Number(value));
  }
  return { messages, lastEventId, retries };
}

/**
 * Reads a stream with `eventsource-parser`, which most clients other than browsers build on, in
 * pieces.
 */
export function readWithParser(bytes: Uint8Array, random?: Random, pieceMax = bytes.length): Received {
  const messages: Message[] = [];
  const retries: number[] = [];
  let lastEventId = '';
  const parser = createParser({
    onEvent: ({ event, data, id }) => {
      lastEventId = id ?? lastEventId;
      messages.push({ event: event ?? 'message', data, id: lastEventId });
    },
    onRetry: (retry) => retries.push(retry),
    onError: (error) => {
      throw error;
    },
  });
  const decoder = new TextDecoder();
  for (let at = 0; at < bytes.length;) {
    const length = pieceMax - (random?.below(pieceMax) ?? 0);
    parser.feed(decoder.decode(bytes.subarray(at, at + length), { stream: true }));
    at += length;
  }
  return { messages, lastEventId, retries };
}
