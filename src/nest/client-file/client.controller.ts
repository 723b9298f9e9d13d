import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import { CACHE_CONTROL, chooseEncoding, type ClientFile, type ClientFiles, isCached } from './client-file.js';
import { type FrameworkRequest, type FrameworkResponse, takeOver } from '../http/raw-response.js';
import { CLIENT_FILES } from '../module/tokens.js';

/**
 * Serves the client to pages without a bundler. The scripts are public, so they need no guard. The
 * controller writes the response itself, so no interceptor of the application changes a script.
 */
@Controller()
export class ClientController {
  readonly #files: ClientFiles;

  constructor(@Inject(CLIENT_FILES) files: ClientFiles) {
    this.#files = files;
  }

  @Get('client.js')
  client(@Req() request: FrameworkRequest, @Res({ passthrough: true }) response: FrameworkResponse): void {
    send(this.#files.client, request, response);
  }

  @Get('client/tabs.js')
  tabs(@Req() request: FrameworkRequest, @Res({ passthrough: true }) response: FrameworkResponse): void {
    send(this.#files.tabs, request, response);
  }

  @Get('client/inbox-element.js')
  inboxElement(@Req() request: FrameworkRequest, @Res({ passthrough: true }) response: FrameworkResponse): void {
    send(this.#files.inboxElement, request, response);
  }
}

function send(file: ClientFile, request: FrameworkRequest, response: FrameworkResponse): void {
  const raw = takeOver(response);
  const representation = chooseEncoding(file, raw.req.headers);
  const { bytes, etag, headers } = representation;
  const caching = { 'Cache-Control': CACHE_CONTROL, ETag: etag };
  // Append to the header, because CORS may have set it.
  raw.appendHeader('Vary', 'Accept-Encoding');
  if (isCached(representation, raw.req.headers)) {
    raw.writeHead(304, caching).end();
    return;
  }
  raw.writeHead(200, { ...caching, ...headers, 'Content-Length': bytes.length });
  raw.end(request.method === 'HEAD' ? undefined : bytes);
}
