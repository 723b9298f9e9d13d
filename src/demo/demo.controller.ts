import { Controller, Get, Header, NotFoundException, Param, Res } from '@nestjs/common';
import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';

/** The method of the framework's response that this controller uses. */
interface HeaderWriter {
  header(name: string, value: string): unknown;
}

const FOLDER = new URL('./assets/', import.meta.url);

const TYPE_OF: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/**
 * Allows only the page's own files. `require-trusted-types-for` forbids scripts to turn text into
 * markup.
 */
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

@Controller()
export class DemoController {
  /** Read once, at the start: a requested name is looked up here and never becomes a path. */
  readonly #files = new Map(
    readdirSync(FOLDER)
      .filter((name) => extname(name) in TYPE_OF)
      .map((name) => [name, readFileSync(new URL(name, FOLDER), 'utf8')]),
  );

  @Get()
  @Header('Content-Security-Policy', SECURITY_POLICY)
  @Header('Cross-Origin-Opener-Policy', 'same-origin')
  page(@Res({ passthrough: true }) response: HeaderWriter): string {
    return this.#answer('index.html', response);
  }

  @Get('assets/:name')
  // A browser can open an SVG or HTML file directly, so it needs the policy too.
  @Header('Content-Security-Policy', SECURITY_POLICY)
  asset(@Param('name') name: string, @Res({ passthrough: true }) response: HeaderWriter): string {
    return this.#answer(name, response);
  }

  #answer(name: string, response: HeaderWriter): string {
    const text = this.#files.get(name);
    if (text === undefined) throw new NotFoundException();
    response.header('Content-Type', TYPE_OF[extname(name)] ?? '');
    // A new build is visible at once. An unchanged file is answered with 304.
    response.header('Cache-Control', 'no-cache');
    response.header('X-Content-Type-Options', 'nosniff');
    response.header('Referrer-Policy', 'no-referrer');
    return text;
  }
}
