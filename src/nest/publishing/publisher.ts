import { makeDraft, type PublishItem } from '../../core/draft.js';
import type { Draft } from '../../core/notification.js';
import type { AppendResult } from '../../core/store.js';
import type { ScopedItems } from '../../wire/idempotency.js';
import { checkCount, inItem } from '../../wire/publish.js';
import { Repeats } from './repeats.js';
import { validItems } from './schemas.js';
import type { PublishContext } from '../context.js';

/** The result of a publish. */
export interface Published {
  /** One for each notification, in their order. */
  readonly ids: readonly string[];
  /** The ids that had been published before. */
  readonly duplicates: readonly string[];
  /** Whether all notifications had been published before, so that nothing new was appended. */
  readonly duplicate: boolean;
  /** The cursor right after the last notification. */
  readonly cursor: string;
}

/** Checked notifications, for a transaction of the application's own database. */
export interface Publication {
  /** One for each notification, in their order. */
  readonly ids: readonly string[];
  /** The parameter of the SQL function `publish` in the store's schema. */
  readonly text: string;
}

/** Checks notifications and appends them, for the application and for callers over HTTP. */
export class Publisher {
  readonly #context: PublishContext;
  readonly #repeats: Repeats;

  constructor(context: PublishContext) {
    this.#context = context;
    this.#repeats = new Repeats(context.store, context.settings.limits.pageBytesMax);
  }

  /** Publishes for the application, under its own ids. */
  publish(items: readonly PublishItem[]): Promise<Published> {
    return this.#context.tracing.run(items, async (traced) =>
      this.#published(await this.#context.store.append(await this.#drafts(traced))),
    );
  }

  /** Checks notifications as `publish` does, and appends nothing. */
  prepare(items: readonly PublishItem[]): Promise<Publication> {
    return this.#context.tracing.run(items, async (traced) => {
      const drafts = await this.#drafts(traced);
      return { ids: drafts.map(({ id }) => id), text: JSON.stringify(drafts) };
    });
  }

  /** Publishes for a caller over HTTP. @throws NotificationsError also `id_reused` */
  publishScoped(scoped: ScopedItems): Promise<Published> {
    return this.#context.tracing.run(scoped.items, async (traced) =>
      this.#published(await this.#repeats.append(await this.#drafts(traced), scoped)),
    );
  }

  #published({ epoch, appended }: AppendResult): Published {
    const duplicates = appended.filter(({ duplicate }) => duplicate).map(({ id }) => id);
    return {
      ids: appended.map(({ id }) => id),
      duplicates,
      duplicate: duplicates.length === appended.length,
      cursor: this.#context.encoder.seal(epoch, Math.max(...appended.map(({ position }) => position))),
    };
  }

  async #drafts(items: readonly PublishItem[]): Promise<readonly Draft[]> {
    const { settings, clock } = this.#context;
    checkCount(items.length, settings.publish);
    const time = new Date(clock.now());
    const valid = await validItems(items, this.#context);
    return valid.map((item, index) => inItem(items.length, index, () => makeDraft(item, time, settings.publish)));
  }
}
