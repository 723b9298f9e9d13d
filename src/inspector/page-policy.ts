/**
 * The Content-Security-Policy of the page. The page runs only its own script, may not be framed,
 * and cannot write HTML from text. So a name of a topic or a subscriber can never run as a script.
 */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  // The icon of the page.
  'img-src data:',
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');
