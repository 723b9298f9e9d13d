import { StringDecoder } from 'node:string_decoder';

const HEAD_END = Buffer.from('\r\n\r\n');
const LINE_END = Buffer.from('\r\n');

/**
 * A response that is being received: first the head, then the text of the body, until `complete`.
 */
export class Message {
  readonly status: number;
  /** Names and values as they were written. */
  readonly rawHeaders: readonly (readonly [name: string, value: string])[];
  /** The body's text so far, in the parts in which it came. */
  readonly parts: string[] = [];
  complete = false;
  readonly #decoder = new StringDecoder('utf8');
  /**
   * The missing bytes of the body or of the chunk. Infinity if the body ends with the connection.
   */
  #left: number;
  readonly #chunked: boolean;
  #isLastChunk = false;

  private constructor(head: string, method: string) {
    const [statusLine = '', ...lines] = head.split('\r\n');
    this.status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(statusLine)?.[1]);
    this.rawHeaders = lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    });
    const length = this.header('content-length');
    this.#chunked = this.header('transfer-encoding') === 'chunked';
    this.#left = this.#chunked ? 0 : length === undefined ? Infinity : Number(length);
    const bodiless = method === 'HEAD' || this.status === 204 || this.status === 304 || this.status < 200;
    if (bodiless || (!this.#chunked && this.#left === 0)) this.complete = true;
  }

  /** Returns a message and the bytes after its head, or nothing until the head is complete. */
  static begin(bytes: Buffer, method: string): { message: Message; rest: Buffer } | undefined {
    const end = bytes.indexOf(HEAD_END);
    if (end < 0) return undefined;
    const message = new Message(bytes.toString('latin1', 0, end), method);
    return { message, rest: bytes.subarray(end + HEAD_END.length) };
  }

  /** A header's value, by its name in any case; several are joined as in RFC 9110, 5.3. */
  header(name: string): string | undefined {
    const values = this.rawHeaders.filter(([key]) => key.toLowerCase() === name.toLowerCase());
    return values.length === 0 ? undefined : values.map(([, value]) => value).join(', ');
  }

  /** The body's text so far. */
  get text(): string {
    return this.parts.join('');
  }

  /**
   * The body. Its type is unknown; the assertion that follows checks it.
   */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  get json(): any {
    return JSON.parse(this.text);
  }

  /** Consumes the bytes of this message, and returns the remaining ones. */
  push(bytes: Buffer): Buffer {
    let rest = bytes;
    while (!this.complete && rest.length > 0) {
      if (this.#left === 0) {
        const end = rest.indexOf(LINE_END);
        if (end < 0) return rest;
        const size = Number.parseInt(rest.toString('latin1', 0, end), 16);
        rest = rest.subarray(end + LINE_END.length);
        this.#isLastChunk = size === 0;
        this.#left = size + LINE_END.length;
      } else {
        const part = rest.subarray(0, this.#left);
        rest = rest.subarray(part.length);
        // The line end after a chunk does not belong to the body.
        const text = this.#chunked ? part.subarray(0, Math.max(0, this.#left - LINE_END.length)) : part;
        this.parts.push(this.#decoder.write(text));
        this.#left -= part.length;
        if (this.#left === 0 && (!this.#chunked || this.#isLastChunk)) this.complete = true;
      }
    }
    return rest;
  }

  /** The connection has closed, which ends a body of unknown length and cuts off any other. */
  end(): void {
    if (this.#left === Infinity) this.complete = true;
  }
}
