import { Controller, Get, Header, NotFoundException, Param, Res } from '@nestjs/common';
import type { Response } from 'express';
import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { Public } from '../auth/signed-in.js';

/** The result of scripts/bundle-page.mjs, beside the compiled server. */
const FOLDER = new URL('../../web/', import.meta.url);

/** The page and its files. They have no data of users. */
@Public()
@Controller()
export class PageController {
  /** Read once, at the start: a requested name is looked up here and never becomes a path. */
  readonly #files = new Map(readdirSync(FOLDER).map((name) => [name, readFileSync(new URL(name, FOLDER))]));

  @Get()
  @Header('Cross-Origin-Opener-Policy', 'same-origin')
  page(@Res() response: Response): void {
    this.#send('index.html', response);
  }

  @Get('assets/:name')
  asset(@Param('name') name: string, @Res() response: Response): void {
    this.#send(name, response);
  }

  #send(name: string, response: Response): void {
    const file = this.#files.get(name);
    if (!file) throw new NotFoundException();
    // A new build is visible at once; an unchanged file is answered with 304.
    response.type(extname(name)).header('Cache-Control', 'no-cache').send(file);
  }
}
