import {
  BadRequestException,
  HttpException,
  type NestApplicationOptions,
  RequestMethod,
  VERSION_NEUTRAL,
  type VersioningOptions,
  VersioningType,
} from '@nestjs/common';
import { AbstractHttpAdapter } from '@nestjs/core';
import { createServer, type Server, type ServerOptions } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { createRequire } from 'node:module';
import { parseJson } from './body-parser.js';
import { PlainRequest, PlainResponse } from './messages.js';
import { type ErrorHandler, type Handler, Router } from './router.js';

const cors = createRequire(import.meta.url)('cors') as (options?: object) => Handler;

/**
 * An adapter on node:http alone, made as Nest's own `NodeAdapter` is. Its `reply` is one
 * `writeHead` and one `end`. It trusts no proxy. Handlers write directly: Nest calls no other
 * method of the response.
 */
export class PlainNodeAdapter extends AbstractHttpAdapter<Server, PlainRequest, PlainResponse> {
  #forceClose = false;
  readonly #router = new Router();

  override use(...args: [string | Handler, Handler?]): this {
    const [path, handler] = typeof args[0] === 'string' ? [args[0], args[1]!] : [undefined, args[0]];
    this.#router.add(handler, path);
    return this;
  }

  override get(...args: unknown[]): this {
    return this.#route('GET', args);
  }

  override post(...args: unknown[]): this {
    return this.#route('POST', args);
  }

  override delete(...args: unknown[]): this {
    return this.#route('DELETE', args);
  }

  override query(...args: unknown[]): this {
    return this.#route('QUERY', args);
  }

  override all(...args: unknown[]): this {
    return this.#route(undefined, args);
  }

  #route(method: string | undefined, [path, handler]: unknown[]): this {
    this.#router.add(handler as Handler, path as string, method);
    return this;
  }

  override reply(response: PlainResponse, body: unknown, statusCode?: number): void {
    const text = typeof body === 'string' ? body : JSON.stringify(body ?? '');
    const type = typeof body === 'object' ? 'application/json; charset=utf-8' : 'text/plain; charset=utf-8';
    response.writeHead(statusCode ?? response.statusCode, {
      'Content-Type': type,
      'Content-Length': Buffer.byteLength(text),
    });
    response.end(text);
  }

  override status(response: PlainResponse, statusCode: number): PlainResponse {
    return response.status(statusCode);
  }

  override end(response: PlainResponse, message?: string): PlainResponse {
    return response.end(message);
  }

  override isHeadersSent(response: PlainResponse): boolean {
    return response.headersSent;
  }

  override getHeader(response: PlainResponse, name: string): unknown {
    return response.getHeader(name);
  }

  override setHeader(response: PlainResponse, name: string, value: string): unknown {
    return response.setHeader(name, value);
  }

  override appendHeader(response: PlainResponse, name: string, value: string): unknown {
    return response.appendHeader(name, value);
  }

  override redirect(response: PlainResponse, statusCode: number, url: string): void {
    response.writeHead(statusCode, { Location: url }).end();
  }

  override initHttpServer({ httpsOptions, forceCloseConnections = false }: NestApplicationOptions): void {
    this.#forceClose = forceCloseConnections;
    const options = { IncomingMessage: PlainRequest, ServerResponse: PlainResponse } as ServerOptions<
      typeof PlainRequest,
      typeof PlainResponse
    >;
    const handle = (request: PlainRequest, response: PlainResponse): void => {
      this.#router.handle(request, response);
    };
    this.httpServer = (
      httpsOptions ? createSecureServer({ ...options, ...httpsOptions }, handle) : createServer(options, handle)
    ) as Server;
  }

  override listen(port: number | string, ...rest: unknown[]): Server {
    return this.httpServer.listen(port as number, ...(rest as [string, () => void]));
  }

  override close(): Promise<unknown> {
    const closed = new Promise((resolve) => this.httpServer.close(resolve));
    if (this.#forceClose) this.httpServer.closeAllConnections();
    return closed;
  }

  override registerParserMiddleware(): void {
    this.use(parseJson);
  }

  override setErrorHandler(handler: ErrorHandler): void {
    this.#router.add((error, request, response, next) => handler(error, request, response, next));
  }

  override setNotFoundHandler(handler: Handler): void {
    this.use(handler);
  }

  override mapException(error: unknown): unknown {
    if (error instanceof HttpException || !(error instanceof Error)) return error;
    if (error instanceof SyntaxError || error instanceof URIError) return new BadRequestException(error.message);
    const { statusCode, expose } = error as Error & { statusCode?: number; expose?: boolean };
    return expose && statusCode !== undefined ? new HttpException(error.message, statusCode) : error;
  }

  override enableCors(options?: object): this {
    return this.use(cors(options));
  }

  override createMiddlewareFactory(requestMethod: RequestMethod): (path: string, callback: unknown) => void {
    const named = RequestMethod[requestMethod] as string | undefined;
    return (path, callback) => {
      const method = named === undefined || named === 'ALL' ? undefined : named;
      const isExact = path.endsWith('$');
      const pattern = isExact ? path.slice(0, -1) : named === undefined ? `${path}{/*rest}` : path;
      this.#router.add(callback as Handler, pattern, method);
    };
  }

  override applyVersionFilter(
    handler: (...args: unknown[]) => unknown,
    version: string | symbol | (string | symbol)[],
    options: VersioningOptions,
  ): (request: PlainRequest, response: PlainResponse, next: () => void) => () => unknown {
    const isHeader = options.type === VersioningType.HEADER;
    return (request, response, next) => {
      const asked = isHeader ? request.headers[options.header.toLowerCase()] : undefined;
      const isMeant = !isHeader || [version].flat().some((one) => one === (asked ?? VERSION_NEUTRAL));
      return (isMeant ? handler(request, response, next) : (next(), undefined)) as () => unknown;
    };
  }

  override getRequestHostname({ headers }: PlainRequest): string | undefined {
    return headers.host?.split(':')[0];
  }

  override getRequestMethod({ method }: PlainRequest): string | undefined {
    return method;
  }

  override getRequestUrl({ originalUrl }: PlainRequest): string {
    return originalUrl;
  }

  override getType(): string {
    return 'node';
  }

  override render(): never {
    throw new Error('this adapter renders nothing');
  }

  override useStaticAssets(): never {
    throw new Error('this adapter serves no files');
  }

  override setViewEngine(): never {
    throw new Error('this adapter has no views');
  }
}
