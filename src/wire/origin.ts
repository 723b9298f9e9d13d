import { header, type HttpRequest } from './request.js';

/**
 * Whether a request may come from the page that sends it. `Sec-Fetch-Site` and `Origin` are set by browsers, and no page can
 * change them. A request without both does not come from a page.
 *
 * @param origins allowed besides the server's own
 */
export function isAllowedOrigin(request: HttpRequest, origins: ReadonlySet<string>): boolean {
  const site = header(request, 'sec-fetch-site');
  // `none`: the user has opened the URL.
  if (site === 'same-origin' || site === 'none') return true;
  const origin = header(request, 'origin');
  if (origin === undefined) return site === undefined;
  if (origins.has(origin)) return true;
  // Browsers without Sec-Fetch-Site.
  const host = header(request, ':authority') ?? header(request, 'host');
  return site === undefined && host !== undefined && URL.canParse(origin) && new URL(origin).host === host;
}
