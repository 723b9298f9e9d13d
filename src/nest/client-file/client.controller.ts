import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import { CACHE_CONTROL, chosen, type ClientFile, isKnown } from './client-file.js';
import { type FrameworkRequest, type FrameworkResponse, takeOver } from '../http/raw-response.js';
import { CLIENT_FILE } from '../module/tokens.js';

/**
 * Serves the client to pages without a bundler. It is the same for everybody and public, so no guard of the module stands before it. Written
 * here as everything else is, so that no interceptor or serializer of the application changes a script.
 */
@Controller()
export class ClientController {
  readonly #file: ClientFile;

  constructor(@Inject(CLIENT_FILE) file: ClientFile) {
    this.#file = file;
  }

  @Get('client.js')
  read(@Req() request: FrameworkRequest, @Res({ passthrough: true }) response: FrameworkResponse): void {
    const raw = takeOver(response);
    const representation = chosen(this.#file, raw.req.headers);
    const { bytes, etag, headers } = representation;
    const caching = { 'Cache-Control': CACHE_CONTROL, ETag: etag };
    // CORS may have said more about it.
    raw.appendHeader('Vary', 'Accept-Encoding');
    if (isKnown(representation, raw.req.headers)) {
      raw.writeHead(304, caching).end();
      return;
    }
    raw.writeHead(200, { ...caching, ...headers, 'Content-Length': bytes.length });
    raw.end(request.method === 'HEAD' ? undefined : bytes);
  }
}
