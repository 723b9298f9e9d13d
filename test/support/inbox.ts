import { Test, type TestingModule } from '@nestjs/testing';
import { getNotificationsToken, type NotificationsService, type StoreFactory } from 'nest-notifications';
import { InboxModule, type InboxOptions, type InboxPage, InboxService } from 'nest-notifications/inbox';
import type { Store } from 'nest-notifications/store';
import { atTestEnd } from './http/cleanup.js';

/** One node of an application with inboxes, without HTTP. */
export interface InboxNode {
  readonly module: TestingModule;
  readonly inbox: InboxService;
  readonly feed: NotificationsService;
  close(): Promise<void>;
}

/** Starts a node. It is closed after the test. */
export async function inboxNode(options: Partial<InboxOptions> = {}): Promise<InboxNode> {
  const imports = [InboxModule.forRoot({ access: { subscriber: () => undefined }, ...options })];
  const module = await Test.createTestingModule({ imports }).compile();
  await module.init();
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= module.close());
  atTestEnd(close);
  const feed = module.get<NotificationsService>(getNotificationsToken('inbox'), { strict: false });
  return { module, inbox: module.get(InboxService, { strict: false }), feed, close };
}

/** Several nodes share one store, which stays open when a node closes. */
export function shared(factory: StoreFactory): StoreFactory {
  let opened: Store | Promise<Store> | undefined;
  return async (runtime) => {
    opened ??= factory(runtime);
    const store = await opened;
    return new Proxy(store, {
      get: (target, name) => {
        if (name === 'close') return () => Promise.resolve();
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
      },
    });
  };
}

/** A store whose tail lags: while it is held, its node receives no entries. */
export class LaggingStore {
  #held: (() => void)[] | undefined;

  constructor(readonly factory: StoreFactory) {}

  readonly open: StoreFactory = async (runtime) => {
    const store = await this.factory(runtime);
    const tail: Store['tail'] = (after, onAppended) =>
      store.tail(after, (batch) => {
        if (this.#held) this.#held.push(() => onAppended(batch));
        else onAppended(batch);
      });
    return new Proxy(store, {
      get: (target, name) => {
        if (name === 'tail') return tail;
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
      },
    });
  };

  hold(): void {
    this.#held ??= [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const deliver of held) deliver();
  }
}

export function idsOf({ items }: Pick<InboxPage, 'items'>): string[] {
  return items.map(({ notification }) => notification.id);
}

/** A store that records its reads, and holds those of some topics. */
export class HeldStore {
  /** The topics of each read. */
  readonly reads: (readonly string[])[] = [];
  #prefix: string | undefined;
  #failure: Error | undefined;
  #held: (() => void)[] = [];

  constructor(readonly factory: StoreFactory) {}

  readonly open: StoreFactory = async (runtime) => {
    const store = await this.factory(runtime);
    const read: Store['read'] = async (query) => {
      this.reads.push(query.topics);
      const { topics } = query;
      if (topics.some((topic) => this.#prefix !== undefined && topic.startsWith(this.#prefix))) {
        await new Promise<void>((resolve) => this.#held.push(resolve));
      }
      if (this.#failure) throw this.#failure;
      return store.read(query);
    };
    return new Proxy(store, {
      get: (target, name) => {
        if (name === 'read') return read;
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
      },
    });
  };

  /** Later reads of topics with this prefix wait until `release`. */
  hold(prefix: string): void {
    this.reads.length = 0;
    this.#prefix = prefix;
  }

  /** Later reads fail. */
  failWith(failure: Error): void {
    this.#failure = failure;
  }

  release(): void {
    const held = this.#held;
    this.#prefix = undefined;
    this.#held = [];
    for (const resolve of held) resolve();
  }
}
