import { Body, Controller, Delete, Get, HttpCode, Post, Res, UnauthorizedException, UseGuards } from '@nestjs/common';
import { ThrottlerGuard } from '@nestjs/throttler';
import type { Response } from 'express';
import { z } from 'zod';
import type { Session, SessionState, User } from '../../shared/api.js';
import { topicsOf } from '../feeds/topics.js';
import { COOKIE, SESSION_SECONDS, SessionService } from './session.service.js';
import { CurrentUser, Public, type SignedIn } from './signed-in.js';

const credentials = z.object({ user: z.string().min(1).max(100), password: z.string().min(1).max(200) });

@Controller('api/session')
export class SessionController {
  constructor(private readonly sessions: SessionService) {}

  @Public()
  @Get()
  read(@CurrentUser() user: SignedIn | undefined): SessionState {
    return { session: user ? sessionOf(user) : null, now: new Date().toISOString() };
  }

  @Public()
  @UseGuards(ThrottlerGuard)
  @Post()
  async signIn(
    @Body({ schema: credentials }) { user: id, password }: z.infer<typeof credentials>,
    @Res({ passthrough: true }) response: Response,
  ): Promise<SessionState> {
    const user = await this.sessions.userOf(id, password);
    if (!user) throw new UnauthorizedException('The user or the password is wrong.');
    const cookie = { ...this.sessions.cookieOptions, maxAge: SESSION_SECONDS * 1_000 };
    response.cookie(COOKIE, await this.sessions.tokenFor(user), cookie);
    return { session: sessionOf(user), now: new Date().toISOString() };
  }

  @Public()
  @Delete()
  @HttpCode(204)
  signOut(@Res({ passthrough: true }) response: Response): void {
    response.clearCookie(COOKIE, this.sessions.cookieOptions);
  }
}

function sessionOf({ id, name, role }: User): Session {
  return { user: { id, name, role }, topics: topicsOf({ id, role }) };
}
