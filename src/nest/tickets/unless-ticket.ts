import { type CanActivate, type ExecutionContext, Inject, type Type, UseGuards } from '@nestjs/common';
import { ContextIdFactory, ModuleRef } from '@nestjs/core';
import { isObservable, lastValueFrom } from 'rxjs';
import type { FrameworkRequest } from '../http/raw-response.js';
import { acceptedTicket } from './ticket.guard.js';

type Guard = Type<CanActivate> | CanActivate;
type Result = ReturnType<CanActivate['canActivate']>;

/**
 * Wraps the guards so that they skip requests that a ticket has authorized. Nest creates the
 * application's guards from their own classes, so `overrideGuard` of a testing module replaces
 * them.
 *
 * @param controller - The controller that gets the wrapped guards.
 */
export function unlessTicket(guards: readonly Guard[], controller: Type): readonly Guard[] {
  const classes = guards.filter((guard) => typeof guard === 'function');
  registerGuards(classes, controller);
  return guards.map((guard) => {
    if (typeof guard === 'function') return unlessTicketOf(guard);
    return { canActivate: (context) => hasTicket(context) || guard.canActivate(context) };
  });
}

/**
 * Registers guards with Nest without running them. Nest creates the guards of all methods of a
 * controller, but runs only those of routes. This method is not a route.
 */
function registerGuards(guards: readonly Type<CanActivate>[], { prototype }: Type): void {
  const descriptor = { value: () => undefined, configurable: true };
  Object.defineProperty(prototype, 'guards', descriptor);
  UseGuards(...guards)(prototype as object, 'guards', descriptor);
}

function unlessTicketOf(guard: Type<CanActivate>): Type<CanActivate> {
  class UnlessTicket implements CanActivate {
    readonly #moduleRef: ModuleRef;
    /** Undefined until the first request. Null if Nest creates the guard for each request. */
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
        // The guard, or one of its dependencies, has request scope or is transient.
        return null;
      }
    }

    async #perRequest(context: ExecutionContext): Promise<boolean> {
      const id = ContextIdFactory.getByRequest(context.getArgByIndex<FrameworkRequest>(0));
      const made = await this.#moduleRef.resolve(guard, id, { strict: true });
      const result = await made.canActivate(context);
      // Nest would treat a promise of an Observable as true.
      return isObservable(result) ? lastValueFrom(result) : result;
    }
  }
  return UnlessTicket;
}

function hasTicket(context: ExecutionContext): boolean {
  return acceptedTicket(context.getArgByIndex<FrameworkRequest>(0)) !== undefined;
}
