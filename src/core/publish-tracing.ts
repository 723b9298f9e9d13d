import type { PublishItem } from './draft.js';

/** Runs a publish inside a span, with items that carry the trace of this span. */
export type PublishTracer = <T extends object>(
  items: readonly PublishItem[],
  publish: (traced: readonly PublishItem[]) => Promise<T>,
) => Promise<T>;

/** The tracer of a feed's publishes. Without a tracer, a publish runs without a span. */
export class PublishTracing {
  #tracer: PublishTracer | undefined;

  /** Uses this tracer from now on. Returns a function that removes it. */
  use(tracer: PublishTracer): () => void {
    this.#tracer = tracer;
    return () => {
      if (this.#tracer === tracer) this.#tracer = undefined;
    };
  }

  run<T extends object>(
    items: readonly PublishItem[],
    publish: (traced: readonly PublishItem[]) => Promise<T>,
  ): Promise<T> {
    return this.#tracer ? this.#tracer(items, publish) : publish(items);
  }
}
