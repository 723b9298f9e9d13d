import type { ErrorCode } from '../core/errors.js';
import { ERROR_HEADER } from '../wire/protocol.js';
import { STATUS_OF } from '../wire/errors.js';
import { reference, type Schema, type Schemas } from './schema.js';

const UNAUTHORIZED = 'The credentials are missing or invalid';

const CODE_HEADER: Schemas = {
  [ERROR_HEADER]: { description: 'The `code` of the error.', schema: { type: 'string' } },
};
const RETRY_HEADER: Schemas = {
  'Retry-After': { description: 'Seconds until a retry.', schema: { type: 'integer' } },
};

/** The error responses of a route, by status. Guards of the application may answer with 401. */
export function errorResponses(codes: readonly ErrorCode[]): Schemas {
  const statuses = [...new Set([401, ...codes.map((code) => STATUS_OF[code])])].sort((a, b) => a - b);
  return Object.fromEntries(
    statuses.map((status) => [
      String(status),
      errorResponse(
        status,
        codes.filter((code) => STATUS_OF[code] === status),
      ),
    ]),
  );
}

function errorResponse(status: number, codes: readonly ErrorCode[]): Schema {
  const named = codes.map((code) => `\`${code}\``).join(', ');
  const mayRetry = status === 429 || status === 503;
  return {
    description: [...(status === 401 ? [UNAUTHORIZED] : []), ...(named ? [named] : [])].join(', or '),
    headers: { ...CODE_HEADER, ...(mayRetry && RETRY_HEADER) },
    content: { 'application/json': { schema: reference('FeedError') } },
  };
}
