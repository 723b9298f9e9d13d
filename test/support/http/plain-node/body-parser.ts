import type { PlainRequest, PlainResponse } from './messages.js';
import type { Next } from './router.js';

const BYTES_MAX = 100 * 1024;

/** Parses JSON bodies, and reports a bad one as the `body-parser` package does. */
export function parseJson(request: PlainRequest, _response: PlainResponse, next: Next): void {
  const { headers } = request;
  const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
  if (!hasBody || !headers['content-type']?.toLowerCase().startsWith('application/json')) {
    next();
    return;
  }
  read(request, next).catch(next);
}

async function read(request: PlainRequest, next: Next): Promise<void> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes <= BYTES_MAX) parts.push(part);
  }
  const problem = problemOf(request, bytes);
  if (problem) {
    next(problem);
    return;
  }
  const text = Buffer.concat(parts).toString();
  try {
    request.body = text === '' ? {} : parse(text);
  } catch (error) {
    next(httpError(400, error as Error));
    return;
  }
  next();
}

function problemOf({ headers }: PlainRequest, bytes: number): Error | undefined {
  if (bytes > BYTES_MAX) return httpError(413, new Error('request entity too large'));
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') return httpError(415, new Error(`unsupported content encoding "${encoding}"`));
  const charset = /charset="?([^";]+)/i.exec(headers['content-type'] ?? '')?.[1] ?? 'utf-8';
  return /^utf-/i.test(charset) ? undefined : httpError(415, new Error(`unsupported charset "${charset}"`));
}

/** Accepts only objects and arrays, without a key that sets a prototype. */
function parse(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (/"__proto__"\s*:|"constructor"\s*:\s*{[^}]*"prototype"\s*:/.test(text))
    throw new SyntaxError('Object contains forbidden prototype property');
  if (typeof value === 'object' && value !== null) return value;
  throw new SyntaxError('a body must be an object or an array');
}

function httpError(status: number, error: Error): Error {
  return Object.assign(error, { status, statusCode: status, expose: true });
}
