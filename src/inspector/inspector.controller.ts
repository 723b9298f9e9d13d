import { Controller, Get, Inject, Req, Res } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { type FrameworkRequest, type FrameworkResponse, rawOf, takeOver } from '../nest/http/raw-response.js';
import { Inspector } from './inspector.js';
import { inspectorFailure, parseExplain, parseFeed } from './inspector-request.js';
import { type PageFiles, pageFiles } from './page-files.js';
import { PAGE_POLICY } from './page-policy.js';

/** The token of the path. The page names its files relative to the last segment of the path. */
export const INSPECTOR_PATH = Symbol('nest-notifications inspector path');

const HEADERS = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': PAGE_POLICY,
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
};

/**
 * The page of the inspector and its data. It writes responses itself, so no interceptor or
 * serializer of the application changes them. Errors go through the application's filters.
 */
@Controller()
export class InspectorController {
  readonly #inspector: Inspector;
  readonly #lastSegment: string;
  readonly #files: PageFiles = pageFiles();

  constructor(@Inject(Inspector) inspector: Inspector, @Inject(INSPECTOR_PATH) path: string) {
    this.#inspector = inspector;
    this.#lastSegment = path.split('/').at(-1) ?? '';
  }

  @Get()
  page(@Req() { originalUrl }: FrameworkRequest, @Res({ passthrough: true }) response: FrameworkResponse): void {
    const [path = ''] = originalUrl.split('?');
    const base = path.endsWith('/') ? './' : `./${this.#lastSegment}/`;
    send(takeOver(response), this.#files.html.replaceAll('"./', `"${base}`), 'text/html');
  }

  @Get('inspector.js')
  script(@Res({ passthrough: true }) response: FrameworkResponse): void {
    send(takeOver(response), this.#files.script, 'text/javascript');
  }

  @Get('inspector.css')
  style(@Res({ passthrough: true }) response: FrameworkResponse): void {
    send(takeOver(response), this.#files.style, 'text/css');
  }

  @Get('state')
  state(
    @Req() { originalUrl }: FrameworkRequest,
    @Res({ passthrough: true }) response: FrameworkResponse,
  ): Promise<void> {
    return answer(response, () => this.#inspector.state(parseFeed(originalUrl)));
  }

  @Get('explain')
  explain(
    @Req() { originalUrl }: FrameworkRequest,
    @Res({ passthrough: true }) response: FrameworkResponse,
  ): Promise<void> {
    return answer(response, async () => JSON.stringify(await this.#inspector.explain(parseExplain(originalUrl))));
  }
}

async function answer(response: FrameworkResponse, textOf: () => Promise<string>): Promise<void> {
  try {
    const text = await textOf();
    send(takeOver(response), text, 'application/json');
  } catch (error) {
    const raw = rawOf(response);
    for (const [name, value] of Object.entries(HEADERS)) raw.setHeader(name, value);
    const { exception, headers } = inspectorFailure(error);
    for (const [name, value] of Object.entries(headers)) raw.setHeader(name, value);
    throw exception;
  }
}

/** The client may have left during the computation; then the write has no effect. */
function send(raw: ServerResponse, text: string, type: string): void {
  const headers = { 'Content-Type': `${type}; charset=utf-8`, 'Content-Length': Buffer.byteLength(text) };
  raw.writeHead(200, { ...HEADERS, ...headers });
  raw.end(text);
}
