import type { ConnectOptions } from './options.js';

/** The URL of a read, with the topics, the read's own parameters and the limit. */
export function urlOf(
  { url, topics = [], limit }: Pick<ConnectOptions, 'url' | 'topics' | 'limit'>,
  own: readonly (readonly [string, string])[],
): string {
  const query = [...topics.map((topic) => ['topic', topic]), ...own];
  if (limit !== undefined) query.push(['limit', String(limit)]);
  // Not `URLSearchParams`: React Native has no `searchParams.set`.
  const text = query.map((pair) => pair.map(encodeURIComponent).join('=')).join('&');
  return `${String(url)}${String(url).includes('?') ? '&' : '?'}${text}`;
}
