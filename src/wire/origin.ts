import { header, type HttpRequest } from './request.js';

/**
 * Whether the origin of the page that sent the request is allowed. Browsers set `Sec-Fetch-Site`
 * and `Origin`, and a page cannot change them. A request that has neither header is not from a
 * page.
 *
 * @param origins allowed in addition to the server's own origin
 */
export function isAllowedOrigin(request: HttpRequest, origins: ReadonlySet<string>): boolean {
  const site = header(request, 'sec-fetch-site');
  // `none`: the user opened the URL.
  if (site === 'same-origin' || site === 'none') return true;
  const origin = header(request, 'origin');
  if (origin === undefined) return site === undefined;
  if (origins.has(origin)) return true;
  // Browsers without `Sec-Fetch-Site` send only `Origin`.
  const host = header(request, ':authority') ?? header(request, 'host');
  return site === undefined && host !== undefined && URL.canParse(origin) && new URL(origin).host === host;
}
