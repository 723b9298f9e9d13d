import { IncomingMessage, ServerResponse } from 'node:http';

/**
 * A request of the plain adapter: node's own, with the few properties that Nest and middleware
 * read.
 */
export class PlainRequest extends IncomingMessage {
  declare originalUrl: string;
  declare params: Record<string, string>;
  body: unknown = undefined;

  get query(): Record<string, string> {
    return Object.fromEntries(new URL(this.url ?? '/', 'http://localhost').searchParams);
  }

  /** The address of the connection: the adapter trusts no proxy. */
  get ip(): string | undefined {
    return this.socket.remoteAddress;
  }
}

/**
 * A response of the plain adapter: node's own, with the few methods that exception filters and
 * guards call.
 */
export class PlainResponse extends ServerResponse<PlainRequest> {
  status(code: number): this {
    this.statusCode = code;
    return this;
  }

  header(name: string, value: string): this {
    return this.setHeader(name, value);
  }

  send(body: unknown): this {
    const text = JSON.stringify(body);
    this.setHeader('Content-Type', 'application/json; charset=utf-8');
    this.setHeader('Content-Length', Buffer.byteLength(text));
    return this.end(text);
  }

  json(body: unknown): this {
    return this.send(body);
  }
}
