import { FeedError } from './errors.js';

/** The parts of the runtime that the client uses, in browsers, workers, Node and React Native. */
export interface Environment {
  readonly fetch: typeof globalThis.fetch;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  readonly random: () => number;
  readonly setTimeout: (task: () => void, delayMs: number) => unknown;
  readonly clearTimeout: (timer: unknown) => void;
  readonly isOnline: () => boolean;
  readonly isHidden: () => boolean;
  /** Whether bodies can be read in chunks. React Native cannot. */
  readonly canStream: boolean;
  /**
   * Calls the listener when the device or the page changes. Returns the function that removes the
   * listener.
   */
  readonly watch: (listener: (event: DeviceEvent) => void) => () => void;
}

/** `resumed`: the page was frozen, or was in the back/forward cache, and runs again. */
export type DeviceEvent = 'online' | 'offline' | 'visible' | 'hidden' | 'resumed';

type Listener = (event: { readonly persisted?: boolean }) => void;

interface Target {
  readonly addEventListener?: (name: string, listener: Listener) => void;
  readonly removeEventListener?: (name: string, listener: Listener) => void;
}

/** Browsers have all of these globals; other runtimes have some of them. */
interface Globals extends Target {
  readonly Response?: { readonly prototype: object };
  readonly navigator?: { readonly onLine?: boolean };
  readonly document?: Target & { readonly visibilityState?: string };
}

const globals = globalThis as unknown as Globals;
const isHidden = (): boolean => globals.document?.visibilityState === 'hidden';

export const runtime: Environment = {
  fetch: (input, init) =>
    fetch(input, init).catch((error: unknown) => {
      // Runtimes use the word for an invalid URL, and not for a network error.
      if (!String(error).includes('URL')) throw error;
      throw new FeedError('outside a page, url must be absolute', { code: 'url_invalid' });
    }),
  now: () => performance.now(),
  random: Math.random,
  setTimeout: (task, delayMs) => setTimeout(task, delayMs),
  clearTimeout: (timer) => {
    clearTimeout(timer as ReturnType<typeof setTimeout>);
  },
  // Node's `navigator` has no `onLine`.
  isOnline: () => globals.navigator?.onLine !== false,
  isHidden,
  canStream: 'body' in (globals.Response?.prototype ?? {}),
  watch: (listener) => {
    const onVisibility = (): void => listener(isHidden() ? 'hidden' : 'visible');
    const onResume = (): void => {
      onVisibility();
      listener('resumed');
    };
    const listeners: [Target | undefined, string, Listener][] = [
      [globals, 'online', () => listener('online')],
      [globals, 'offline', () => listener('offline')],
      [globals.document, 'visibilitychange', onVisibility],
      [globals.document, 'resume', onResume],
      // `persisted`: the page was in the back/forward cache.
      [globals, 'pageshow', (event) => event.persisted && onResume()],
    ];
    const each = (method: 'addEventListener' | 'removeEventListener'): void => {
      for (const [target, name, task] of listeners) target?.[method]?.(name, task);
    };
    each('addEventListener');
    return () => each('removeEventListener');
  },
};
