import type { ConnectOptions } from './options.js';

/** The URL of a request, and the request's body if the parameters are not in the URL. */
export interface Target {
  readonly url: string;
  /** The JSON body of a QUERY request. Undefined for a GET. */
  readonly body?: string;
}

/**
 * A longer URL becomes a QUERY request. Many servers and proxies allow 8 KiB for the request line,
 * including the origin and additions of a proxy.
 */
const URL_LENGTH_MAX = 7_000;

/** The target of a read, with the topics, the read's own parameters and the limit. */
export function targetOf(
  { url: base, topics = [], limit }: Pick<ConnectOptions, 'url' | 'topics' | 'limit'>,
  own: Readonly<Record<string, string>>,
): Target {
  const others = { ...own, ...(limit !== undefined && { limit: String(limit) }) };
  // Not `URLSearchParams`: React Native has no `searchParams.set`.
  const query = [...topics.map((topic) => ['topic', topic]), ...Object.entries(others)];
  const text = query.map((pair) => pair.map(encodeURIComponent).join('=')).join('&');
  const url = `${String(base)}${String(base).includes('?') ? '&' : '?'}${text}`;
  if (url.length <= URL_LENGTH_MAX || topics.length === 0) return { url };
  return { url: String(base), body: JSON.stringify({ topic: topics, ...others }) };
}
