/** One event of a stream. */
export interface SseBlock {
  /** Undefined for one without a name. */
  readonly event: string | undefined;
  readonly data: string;
  /** The last id that the stream has given. */
  readonly id: string;
}

/** Takes an event stream apart as the WHATWG HTML standard has it (9.2.6), in whatever pieces a TextDecoder gives of it. */
export class SseParser {
  readonly #onBlock: (block: SseBlock) => void;
  /** The pause that the stream asks for, in milliseconds. */
  retryMs: number | undefined;
  #rest = '';
  #event = '';
  #data: string[] = [];
  #id = '';

  constructor(onBlock: (block: SseBlock) => void) {
    this.#onBlock = onBlock;
  }

  push(text: string): void {
    // A CR at the end may be half of a CRLF.
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line === '') this.#dispatch();
      else this.#field(line);
    }
  }

  #field(line: string): void {
    const [, field, value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (field === 'event') this.#event = value;
    else if (field === 'data') this.#data.push(value);
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    else if (field === 'retry' && /^\d+$/.test(value)) this.retryMs = Number(value);
  }

  #dispatch(): void {
    const data = this.#data;
    const event = this.#event || undefined;
    this.#event = '';
    this.#data = [];
    // Without data it is none, though its id counts.
    if (data.length > 0) this.#onBlock({ event, data: data.join('\n'), id: this.#id });
  }
}
