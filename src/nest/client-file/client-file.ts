import Negotiator from 'negotiator';
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { gzipSync } from 'node:zlib';

/** One of the forms in which a file goes out. */
export interface Representation {
  readonly bytes: Buffer;
  readonly etag: string;
  /** With the bytes. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A script, as it is and compressed. */
export interface ClientFile {
  readonly plain: Representation;
  readonly gzipped: Representation;
}

/** Its address stays the same from version to version: caches may keep it, and ask before they use it. */
export const CACHE_CONTROL = 'no-cache';

const TYPE = { 'Content-Type': 'text/javascript; charset=utf-8', 'X-Content-Type-Options': 'nosniff' } as const;

/** Compresses once, not for every request. */
export function clientFileOf(text: string): ClientFile {
  const plain = Buffer.from(text);
  const tag = createHash('sha256').update(plain).digest('base64url');
  return {
    plain: { bytes: plain, etag: `"${tag}"`, headers: TYPE },
    gzipped: {
      bytes: gzipSync(plain, { level: 9 }),
      etag: `"${tag}-gzip"`,
      headers: { ...TYPE, 'Content-Encoding': 'gzip' },
    },
  };
}

/** The form that a request asks for. */
export function chosen({ plain, gzipped }: ClientFile, headers: IncomingHttpHeaders): Representation {
  return new Negotiator({ headers }).encoding(['gzip', 'identity']) === 'gzip' ? gzipped : plain;
}

/** Whether the one who asks has it already (RFC 9110, 13.1.2). */
export function isKnown({ etag }: Representation, { 'if-none-match': known }: IncomingHttpHeaders): boolean {
  const tags = known?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? [];
  return tags.includes('*') || tags.includes(etag);
}
