import { checkSize } from './answer.js';

/** One event of a stream. */
export interface SseBlock {
  /** Undefined for one without a name. */
  readonly event: string | undefined;
  readonly data: string;
  /** The last id that the stream has given. */
  readonly id: string;
}

/** Parses an event stream as the WHATWG HTML standard defines it (9.2.6), from pieces of any size. */
export class SseParser {
  readonly #onBlock: (block: SseBlock) => void;
  /** The pause that the stream asks for, in milliseconds. */
  retryMs: number | undefined;
  /** A CR at the end of the last piece, which may be half of a CRLF. */
  #cr = '';
  /** The line that has not ended yet. Only new text is searched for its end, so a long line costs no more than others. */
  #rest = '';
  #event = '';
  #data: string[] = [];
  #dataChars = 0;
  #id = '';

  constructor(onBlock: (block: SseBlock) => void) {
    this.#onBlock = onBlock;
  }

  /** @throws FeedError for a block that is too large */
  push(text: string): void {
    const whole = this.#cr + text;
    this.#cr = whole.endsWith('\r') ? '\r' : '';
    const lines = whole.slice(0, whole.length - this.#cr.length).split(/\r\n|\n|\r/);
    lines[0] = this.#rest + (lines[0] ?? '');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') this.#dispatch();
      else this.#field(line);
    }
    checkSize(this.#rest.length);
  }

  #field(line: string): void {
    const [, field, value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (field === 'event') this.#event = value;
    else if (field === 'data') {
      this.#data.push(value);
      this.#dataChars += line.length;
      checkSize(this.#dataChars);
    } else if (field === 'id' && !value.includes('\0')) this.#id = value;
    else if (field === 'retry' && /^\d+$/.test(value)) this.retryMs = Number(value);
  }

  #dispatch(): void {
    const data = this.#data;
    const event = this.#event || undefined;
    this.#event = '';
    this.#data = [];
    this.#dataChars = 0;
    // Without data it is no event, though its id counts.
    if (data.length > 0) this.#onBlock({ event, data: data.join('\n'), id: this.#id });
  }
}
