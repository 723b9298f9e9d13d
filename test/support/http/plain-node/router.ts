import type { PlainRequest, PlainResponse } from './messages.js';

export type Next = (error?: unknown) => void;
export type Handler = (request: PlainRequest, response: PlainResponse, next: Next) => unknown;
export type ErrorHandler = (error: unknown, request: PlainRequest, response: PlainResponse, next: Next) => unknown;

interface Layer {
  readonly pattern: RegExp | undefined;
  /** Undefined: every method. */
  readonly method: string | undefined;
  readonly handler: Handler | ErrorHandler;
}

/** Middleware, routes and error handlers, run in the order in which they were added. */
export class Router {
  readonly #layers: Layer[] = [];

  add(handler: Handler | ErrorHandler, path?: string, method?: string): void {
    this.#layers.push({ handler, method, pattern: path === undefined ? undefined : patternOf(path) });
  }

  handle(request: PlainRequest, response: PlainResponse): void {
    request.originalUrl = request.url ?? '/';
    const [path = '/'] = request.originalUrl.split('?');
    let index = 0;
    const next: Next = (error) => {
      const layer = this.#layers[index++];
      if (!layer) {
        this.#giveUp(error, response);
        return;
      }
      const { handler } = layer;
      const isErrorHandler = handler.length === 4;
      const match = layer.pattern?.exec(path);
      if (isErrorHandler !== (error !== undefined) || !isFor(layer.method, request.method) || match === null) {
        next(error);
        return;
      }
      if (match?.groups) request.params = { ...match.groups };
      try {
        const result = isErrorHandler
          ? (handler as ErrorHandler)(error, request, response, next)
          : (handler as Handler)(request, response, next);
        if (result instanceof Promise) result.catch(next);
      } catch (thrown) {
        next(thrown);
      }
    };
    next();
  }

  #giveUp(error: unknown, response: PlainResponse): void {
    if (response.headersSent) response.req.socket.destroy();
    else response.status(error === undefined ? 404 : 500).end();
  }
}

function isFor(wanted: string | undefined, method = 'GET'): boolean {
  return wanted === undefined || wanted === method || (wanted === 'GET' && method === 'HEAD');
}

/** `:name` matches one segment, `*name` the rest; `{…}` may be missing. */
function patternOf(path: string): RegExp {
  const source = path
    .replace(/\/$/, '')
    .replace(/[.$+?^()|[\]\\]/g, '\\$&')
    .replaceAll('{', '(?:')
    .replaceAll('}', ')?')
    .replace(/\*\w*/g, '.*')
    .replace(/:(\w+)/g, '(?<$1>[^/]+)');
  return new RegExp(`^${source}/?$`, 'i');
}
