import type { NextFunction, Request, Response } from 'express';

/** Allows only the page's own files. Text never becomes markup or script (Trusted Types). */
const SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

/** Express middleware for every answer. */
export function securityHeaders(_: Request, response: Response, next: NextFunction): void {
  response.setHeader('Content-Security-Policy', SECURITY_POLICY);
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Referrer-Policy', 'no-referrer');
  next();
}
