import { systemClock } from '../src/core/clock.js';
import { PublishTracing } from '../src/core/publish-tracing.js';
import type { Store } from '../src/core/store.js';
import { ManyPublisher } from '../src/nest/publishing/many-publisher.js';
import { PublishManyError } from '../src/nest/publishing/publish-many-error.js';
import { resolveSettings } from '../src/nest/settings.js';

const TOPICS = 50_000;
/** A slow store publishes to fewer topics within this time. */
const TIME_MS_MAX = 60_000;

let calls = 0;

/** Topics a second of a `publishMany` to 50,000 topics, with the default limits. */
export async function publishManyPerS(store: Store, data: unknown): Promise<number> {
  const tracing = new PublishTracing();
  const publisher = new ManyPublisher({
    store,
    settings: resolveSettings({}),
    schemas: {},
    clock: systemClock,
    tracing,
  });
  const topics = Array.from({ length: TOPICS }, (_, n) => `user.${n}`);
  const notification = { id: `many-${calls++}`, type: 'bench', data };
  const startMs = performance.now();
  const done = await publisher
    .publish({ topics, notification, signal: AbortSignal.timeout(TIME_MS_MAX) })
    .catch((error: unknown) => {
      if (error instanceof PublishManyError && error.code === 'publish_incomplete') return error.progress;
      throw error;
    });
  return done.topics / ((performance.now() - startMs) / 1000);
}
