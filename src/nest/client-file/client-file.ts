import Negotiator from 'negotiator';
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { gzipSync } from 'node:zlib';
import type { ClientScripts } from './bundled-client.js';

/** A script in one content encoding. */
export interface Representation {
  readonly bytes: Buffer;
  readonly etag: string;
  /** The headers for these bytes. */
  readonly headers: Readonly<Record<string, string>>;
}

/** A script, plain and compressed. */
export interface ClientFile {
  readonly plain: Representation;
  readonly gzipped: Representation;
}

/** The address does not change with the version, so caches must revalidate. */
export const CACHE_CONTROL = 'no-cache';

const TYPE = { 'Content-Type': 'text/javascript; charset=utf-8', 'X-Content-Type-Options': 'nosniff' } as const;

export type ClientFiles = Readonly<Record<keyof ClientScripts, ClientFile>>;

/** Compresses each script once, not for every request. */
export function clientFilesOf({ client, tabs, inboxElement }: ClientScripts): ClientFiles {
  return { client: clientFileOf(client), tabs: clientFileOf(tabs), inboxElement: clientFileOf(inboxElement) };
}

function clientFileOf(text: string): ClientFile {
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

/** Chooses the encoding that a request accepts. */
export function chooseEncoding({ plain, gzipped }: ClientFile, headers: IncomingHttpHeaders): Representation {
  return new Negotiator({ headers }).encoding(['gzip', 'identity']) === 'gzip' ? gzipped : plain;
}

/** True if the caller has this representation already (RFC 9110, 13.1.2). */
export function isCached({ etag }: Representation, { 'if-none-match': known }: IncomingHttpHeaders): boolean {
  const tags = known?.split(',').map((tag) => tag.trim().replace(/^W\//, '')) ?? [];
  return tags.includes('*') || tags.includes(etag);
}
