import { type CanActivate, type ExecutionContext, Inject, type Type, UseGuards } from '@nestjs/common';
import { ContextIdFactory, ModuleRef } from '@nestjs/core';
import { isObservable, lastValueFrom } from 'rxjs';
import type { FrameworkRequest } from '../http/raw-response.js';
import { acceptedTicket } from './ticket.guard.js';

type Guard = Type<CanActivate> | CanActivate;
type Result = ReturnType<CanActivate['canActivate']>;

/**
 * The guards, made to ignore requests that a ticket has let in. Nest makes the guards of the
 * application from their own classes, so that `overrideGuard` of a testing module replaces them.
 *
 * @param controller is mounted with the result
 */
export function unlessTicket(guards: readonly Guard[], controller: Type): readonly Guard[] {
  const classes = guards.filter((guard) => typeof guard === 'function');
  letNestMake(classes, controller);
  return guards.map((guard) => {
    if (typeof guard === 'function') return unlessTicketOf(guard);
    return { canActivate: (context) => hasTicket(context) || guard.canActivate(context) };
  });
}

/**
 * Nest makes the guards of all methods of a controller, and runs those of its routes. This method
 * is no route.
 */
function letNestMake(guards: readonly Type<CanActivate>[], { prototype }: Type): void {
  const descriptor = { value: () => undefined, configurable: true };
  Object.defineProperty(prototype, 'guards', descriptor);
  UseGuards(...guards)(prototype as object, 'guards', descriptor);
}

function unlessTicketOf(guard: Type<CanActivate>): Type<CanActivate> {
  class UnlessTicket implements CanActivate {
    readonly #moduleRef: ModuleRef;
    /** Undefined: not known yet. Null: Nest makes the guard for each request. */
    #guard: CanActivate | null | undefined;

    constructor(@Inject(ModuleRef) moduleRef: ModuleRef) {
      this.#moduleRef = moduleRef;
    }

    canActivate(context: ExecutionContext): Result {
      if (hasTicket(context)) return true;
      if (this.#guard === undefined) this.#guard = this.#onlyOne();
      return this.#guard ? this.#guard.canActivate(context) : this.#perRequest(context);
    }

    #onlyOne(): CanActivate | null {
      try {
        return this.#moduleRef.get(guard, { strict: true });
      } catch {
        // It is of request scope or transient, or depends on something that is.
        return null;
      }
    }

    async #perRequest(context: ExecutionContext): Promise<boolean> {
      const id = ContextIdFactory.getByRequest(context.getArgByIndex<FrameworkRequest>(0));
      const made = await this.#moduleRef.resolve(guard, id, { strict: true });
      const result = await made.canActivate(context);
      // Nest takes a promise of an Observable for a yes.
      return isObservable(result) ? lastValueFrom(result) : result;
    }
  }
  return UnlessTicket;
}

function hasTicket(context: ExecutionContext): boolean {
  return acceptedTicket(context.getArgByIndex<FrameworkRequest>(0)) !== undefined;
}
