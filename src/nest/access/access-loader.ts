import { Inject, Injectable, type OnModuleInit, type Type } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { type AccessProvider, type AccessRules, isProvided } from './access.js';
import type { NotificationsOptions } from '../options.js';
import type { ReadContext } from '../context.js';
import { OPTIONS, CONTEXT } from '../module/tokens.js';

/**
 * Creates the access rules if they are a class or a provider. This happens at module
 * initialization, because the rules may inject providers of other modules.
 */
@Injectable()
export class AccessLoader implements OnModuleInit {
  readonly #options: NotificationsOptions;
  readonly #context: ReadContext;
  readonly #moduleRef: ModuleRef;

  constructor(
    @Inject(OPTIONS) options: NotificationsOptions,
    @Inject(CONTEXT) context: ReadContext,
    @Inject(ModuleRef) moduleRef: ModuleRef,
  ) {
    this.#options = options;
    this.#context = context;
    this.#moduleRef = moduleRef;
  }

  async onModuleInit(): Promise<void> {
    const { access } = this.#options;
    if (!isProvided(access)) return;
    try {
      this.#context.access.use(await this.#rulesOf(access));
    } catch (error) {
      // The start fails here, and no caller has an application to close, so close the feed here.
      await this.#context.close().catch(() => undefined);
      throw error;
    }
  }

  async #rulesOf(access: Type<AccessRules> | AccessProvider): Promise<AccessRules> {
    if (typeof access === 'function') return this.#moduleRef.create(access);
    if ('useClass' in access) return this.#moduleRef.create(access.useClass);
    if ('useExisting' in access) return this.#moduleRef.get<AccessRules>(access.useExisting, { strict: false });
    const dependencies = (access.inject ?? []).map((token) => this.#moduleRef.get<unknown>(token, { strict: false }));
    return access.useFactory(...(dependencies as never[]));
  }
}
