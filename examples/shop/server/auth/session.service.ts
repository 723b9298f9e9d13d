import { Inject, Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import type { CookieOptions } from 'express';
import { z } from 'zod';
import type { User } from '../../shared/api.js';
import { Config } from '../config/config.js';
import { type Database, DATABASE } from '../database/schema.js';
import { hashPassword, isPassword } from './password.js';
import type { ShopRequest, SignedIn } from './signed-in.js';

export const COOKIE = 'shop_session';
/** The lifetime of a session. After it, the feeds end and the user signs in again. */
export const SESSION_SECONDS = 12 * 3_600;

const claims = z.object({
  sub: z.string(),
  name: z.string(),
  role: z.enum(['customer', 'keeper']),
  exp: z.number(),
});

/** Sessions are JSON Web Tokens in a cookie that scripts of the page cannot read. */
@Injectable()
export class SessionService {
  readonly cookieOptions: CookieOptions;
  readonly #unknownUser = hashPassword('');

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly jwt: JwtService,
    config: Config,
  ) {
    this.cookieOptions = { httpOnly: true, sameSite: 'strict', secure: config.isProduction, path: '/' };
  }

  /** Returns the user if the password is right. */
  async userOf(id: string, password: string): Promise<User | undefined> {
    const found = await this.database.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst();
    // An unknown user takes as long as a wrong password, so callers cannot find out ids.
    const isRight = await isPassword(password, found?.password_hash ?? (await this.#unknownUser));
    return found && isRight ? { id: found.id, name: found.name, role: found.role } : undefined;
  }

  /** Returns the token of a new session. */
  tokenFor({ id, name, role }: User): Promise<string> {
    return this.jwt.signAsync({ name, role }, { subject: id, expiresIn: SESSION_SECONDS });
  }

  /** Returns the user of a request; undefined without a valid session. */
  async userIn(request: ShopRequest): Promise<SignedIn | undefined> {
    const token = cookieOf(request.headers.cookie ?? '', COOKIE);
    if (token === undefined) return undefined;
    try {
      const { sub, name, role, exp } = claims.parse(await this.jwt.verifyAsync(token));
      return { id: sub, name, role, expiresAt: new Date(exp * 1_000) };
    } catch {
      return undefined;
    }
  }
}

function cookieOf(header: string, name: string): string | undefined {
  const pairs = header.split(';').map((pair) => pair.trim().split('='));
  return pairs.find(([key]) => key === name)?.[1];
}
