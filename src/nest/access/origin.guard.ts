import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common';
import { NotificationsError } from '../../core/errors.js';
import { isAllowedOrigin } from '../../wire/origin.js';
import { withErrorHeaders, requestOn } from '../http/error-headers.js';
import type { FrameworkRequest, FrameworkResponse } from '../http/raw-response.js';
import { routeOf } from '../http/route.decorator.js';
import type { ReadContext } from '../context.js';
import { CONTEXT } from '../module/tokens.js';

/**
 * Rejects requests from pages of other origins, before any guard or access rule reads their
 * cookies.
 */
@Injectable()
export class OriginGuard implements CanActivate {
  readonly #context: ReadContext;

  constructor(@Inject(CONTEXT) context: ReadContext) {
    this.#context = context;
  }

  canActivate(context: ExecutionContext): true {
    const { origins } = this.#context;
    const [request, response] = context.getArgs<[FrameworkRequest, FrameworkResponse]>();
    if (!origins || isAllowedOrigin(request, origins)) return true;
    const error = new NotificationsError('origin_forbidden', 'Requests from this origin are refused.');
    throw withErrorHeaders(error, response, requestOn(routeOf(context.getHandler(), request), request, this.#context));
  }
}
