import {
  type CanActivate,
  type ExecutionContext,
  ForbiddenException,
  Injectable,
  UnauthorizedException,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Role } from '../../shared/api.js';
import { SessionService } from './session.service.js';
import { IS_PUBLIC, ROLES, type ShopRequest } from './signed-in.js';

/**
 * Guards every route of the application, the feeds included. A route is open to callers without a
 * session only if it is @Public().
 */
@Injectable()
export class SessionGuard implements CanActivate {
  constructor(
    private readonly sessions: SessionService,
    private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const targets = [context.getHandler(), context.getClass()];
    const request = context.switchToHttp().getRequest<ShopRequest>();
    const user = await this.sessions.userIn(request);
    if (user) request.user = user;
    else if (!this.reflector.getAllAndOverride<boolean>(IS_PUBLIC, targets)) {
      throw new UnauthorizedException('Sign in first.');
    }
    const roles = this.reflector.getAllAndOverride<readonly Role[] | undefined>(ROLES, targets);
    if (roles && !(user && roles.includes(user.role))) {
      throw new ForbiddenException('Your account may not do this.');
    }
    return true;
  }
}
