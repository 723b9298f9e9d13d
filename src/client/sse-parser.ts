import { checkSize } from './body.js';

/** One event of a stream. */
export interface SseBlock {
  /** Undefined for an event without a name. */
  readonly event: string | undefined;
  readonly data: string;
  /** The last id of the stream so far. */
  readonly id: string;
}

/** Parses an event stream as the WHATWG HTML standard defines it (9.2.6), in chunks of any size. */
export class SseParser {
  readonly #onBlock: (block: SseBlock) => void;
  /** The stream's `retry:` field, in milliseconds. */
  retryMs: number | undefined;
  /** A CR at the end of the last chunk, which may be the first half of a CRLF. */
  #cr = '';
  /** The unfinished line. Only new text is searched for a line end, so long lines stay cheap. */
  #line = '';
  #event = '';
  #data: string[] = [];
  #dataChars = 0;
  #id = '';

  constructor(onBlock: (block: SseBlock) => void) {
    this.#onBlock = onBlock;
  }

  /** @throws FeedError if a block is too large */
  push(chunk: string): void {
    const text = this.#cr + chunk;
    this.#cr = text.endsWith('\r') ? '\r' : '';
    const lines = text.slice(0, text.length - this.#cr.length).split(/\r\n|\n|\r/);
    lines[0] = this.#line + (lines[0] ?? '');
    this.#line = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') this.#endBlock();
      else this.#onField(line);
    }
    checkSize(this.#line.length);
  }

  #onField(line: string): void {
    const [, field, value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (field === 'event') this.#event = value;
    else if (field === 'data') {
      this.#data.push(value);
      this.#dataChars += line.length;
      checkSize(this.#dataChars);
    } else if (field === 'id' && !value.includes('\0')) this.#id = value;
    else if (field === 'retry' && /^\d+$/.test(value)) this.retryMs = Number(value);
  }

  #endBlock(): void {
    const data = this.#data;
    const event = this.#event || undefined;
    this.#event = '';
    this.#data = [];
    this.#dataChars = 0;
    // The standard dispatches no event for a block without data, but keeps its id.
    if (data.length > 0) this.#onBlock({ event, data: data.join('\n'), id: this.#id });
  }
}
