import { createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common';
import type { Request } from 'express';
import type { Role, User } from '../../shared/api.js';

/** A user with the time at which the session ends. */
export interface SignedIn extends User {
  readonly expiresAt: Date;
}

/** A request after the SessionGuard. Routes without @Public() always have a user. */
export interface ShopRequest extends Request {
  user?: SignedIn;
}

export const IS_PUBLIC = 'shop:public';
export const ROLES = 'shop:roles';

/** Opens a route to callers without a session. */
export const Public = () => SetMetadata(IS_PUBLIC, true);

/** Limits a route to users with one of these roles. */
export const Roles = (...roles: readonly Role[]) => SetMetadata(ROLES, roles);

/** The user of the request. */
export const CurrentUser = createParamDecorator((_: unknown, context: ExecutionContext) => {
  return context.switchToHttp().getRequest<ShopRequest>().user;
});
