/** What of the runtime the client uses; all of it is there in browsers, workers, Node and React Native. */
export interface Environment {
  readonly fetch: typeof globalThis.fetch;
  /** Milliseconds, never going back. */
  readonly now: () => number;
  readonly random: () => number;
  readonly setTimeout: (task: () => void, delayMs: number) => unknown;
  readonly clearTimeout: (timer: unknown) => void;
  readonly isOnline: () => boolean;
  readonly isHidden: () => boolean;
  /** Whether bodies can be read as they come; not so in React Native. */
  readonly canStream: boolean;
  /** Web Locks, and a BroadcastChannel, where there are tabs. */
  readonly locks?: Locks | undefined;
  readonly channel?: ((name: string) => Channel) | undefined;
  /** Tells what happens to the device and the page, until the answer is called. */
  readonly watch: (tell: (event: DeviceEvent) => void) => () => void;
}

export type DeviceEvent = 'online' | 'offline' | 'visible' | 'hidden' | 'woken';

/** The part of the Web Locks API that the client uses. */
export interface Locks {
  /** Rejects if another request steals the lock. */
  request(
    name: string,
    options: { readonly signal: AbortSignal } | { readonly steal: true },
    task: () => Promise<void>,
  ): Promise<unknown>;
}

/** What is used of a BroadcastChannel. */
export interface Channel {
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

type Listener = (event: { readonly persisted?: boolean }) => void;

/** What is used of a page and of a document. */
interface Target {
  readonly addEventListener?: (name: string, listener: Listener) => void;
  readonly removeEventListener?: (name: string, listener: Listener) => void;
}

/** What browsers have and Node does not. */
interface Browser extends Target {
  readonly Response?: { readonly prototype: object };
  readonly BroadcastChannel?: new (name: string) => Channel;
  readonly navigator?: { readonly onLine?: boolean; readonly locks?: Locks };
  readonly document?: Target & { readonly visibilityState?: string };
}

const browser = globalThis as unknown as Browser;
const { BroadcastChannel: BrowserChannel } = browser;
const isHidden = (): boolean => browser.document?.visibilityState === 'hidden';

/** The runtime itself. */
export const runtime: Environment = {
  fetch: (input, init) => fetch(input, init),
  now: () => performance.now(),
  random: Math.random,
  setTimeout: (task, delayMs) => setTimeout(task, delayMs),
  clearTimeout: (timer) => {
    clearTimeout(timer as ReturnType<typeof setTimeout>);
  },
  // Node has a navigator that does not know.
  isOnline: () => browser.navigator?.onLine !== false,
  isHidden,
  canStream: 'body' in (browser.Response?.prototype ?? {}),
  locks: browser.document && browser.navigator?.locks,
  channel: BrowserChannel && ((name) => new BrowserChannel(name)),
  watch: (tell) => {
    const visibility = (): void => tell(isHidden() ? 'hidden' : 'visible');
    const thaw = (): void => {
      visibility();
      tell('woken');
    };
    const listeners: [Target | undefined, string, Listener][] = [
      [browser, 'online', () => tell('online')],
      [browser, 'offline', () => tell('offline')],
      [browser.document, 'visibilitychange', visibility],
      // A page that was frozen, and one that comes back out of the history.
      [browser.document, 'resume', thaw],
      [browser, 'pageshow', (event) => event.persisted && thaw()],
    ];
    const each = (method: 'addEventListener' | 'removeEventListener'): void => {
      for (const [target, name, listener] of listeners) target?.[method]?.(name, listener);
    };
    each('addEventListener');
    return () => each('removeEventListener');
  },
};
