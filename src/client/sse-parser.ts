/** One event of a stream. */
export interface SseBlock {
  /** Undefined for one without a name. */
  readonly event: string | undefined;
  readonly data: string;
  /** The last id that the stream has given. */
  readonly id: string;
}

/** Takes an event stream apart as the WHATWG HTML standard has it (9.2.6), in whatever pieces it comes. */
export class SseParser {
  readonly #onBlock: (block: SseBlock) => void;
  /** The pause that the stream asks for, in milliseconds. */
  retryMs: number | undefined;
  #rest = '';
  #isStart = true;
  #event = '';
  #data: string[] = [];
  #id = '';

  constructor(onBlock: (block: SseBlock) => void) {
    this.#onBlock = onBlock;
  }

  push(text: string): void {
    this.#rest += text;
    if (this.#isStart && this.#rest !== '') {
      this.#isStart = false;
      if (this.#rest.startsWith('\uFEFF')) this.#rest = this.#rest.slice(1);
    }
    let from = 0;
    for (;;) {
      const end = this.#lineEnd(from);
      if (end < 0) break;
      this.#line(this.#rest.slice(from, end));
      from = end + (this.#rest.startsWith('\r\n', end) ? 2 : 1);
    }
    this.#rest = this.#rest.slice(from);
  }

  /** Where the line ends that begins there; -1 if that is not known yet: a CR at the end may be half of a CRLF. */
  #lineEnd(from: number): number {
    for (let at = from; at < this.#rest.length; at++) {
      const char = this.#rest[at];
      if (char === '\n') return at;
      if (char === '\r') return at + 1 < this.#rest.length ? at : -1;
    }
    return -1;
  }

  #line(line: string): void {
    if (line === '') {
      this.#dispatch();
      return;
    }
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1));
    this.#field(field, value);
  }

  #field(field: string, value: string): void {
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
