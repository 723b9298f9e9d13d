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
  /** Web Locks, and a BroadcastChannel, where there are tabs. */
  readonly locks?: Locks | undefined;
  readonly channel?: ((name: string) => Channel) | undefined;
  /** Tells what happens to the device and the page, until the answer is called. */
  readonly watch: (tell: (event: 'online' | 'offline' | 'visible' | 'hidden') => void) => () => void;
}

/** What is used of the Web Locks API. */
export interface Locks {
  request(name: string, options: { readonly signal: AbortSignal }, task: () => Promise<void>): Promise<unknown>;
}

/** What is used of a BroadcastChannel. */
export interface Channel {
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

/** What browsers have and Node does not. */
interface Browser {
  readonly BroadcastChannel?: new (name: string) => Channel;
  readonly navigator?: { readonly onLine?: boolean; readonly locks?: Locks };
  readonly document?: EventTarget & { readonly visibilityState?: string };
  readonly addEventListener?: EventTarget['addEventListener'];
  readonly removeEventListener?: EventTarget['removeEventListener'];
}

const browser = globalThis as unknown as Browser;
const { BroadcastChannel: BrowserChannel } = browser;
const isHidden = (): boolean => browser.document?.visibilityState === 'hidden';

/** The runtime itself. */
export const runtime: Environment = {
  fetch: (input, init) => globalThis.fetch(input, init),
  now: () => performance.now(),
  random: Math.random,
  setTimeout: (task, delayMs) => setTimeout(task, delayMs),
  clearTimeout: (timer) => {
    clearTimeout(timer as ReturnType<typeof setTimeout>);
  },
  // Node has a navigator that does not know.
  isOnline: () => browser.navigator?.onLine !== false,
  isHidden,
  locks: browser.document && browser.navigator?.locks,
  channel: BrowserChannel && ((name) => new BrowserChannel(name)),
  watch: (tell) => {
    const { document } = browser;
    const online = (): void => tell('online');
    const offline = (): void => tell('offline');
    const visibility = (): void => tell(isHidden() ? 'hidden' : 'visible');
    browser.addEventListener?.('online', online);
    browser.addEventListener?.('offline', offline);
    document?.addEventListener('visibilitychange', visibility);
    // A frozen page that thaws, and one that comes back out of the history, may have missed the change.
    document?.addEventListener('resume', visibility);
    browser.addEventListener?.('pageshow', visibility);
    return () => {
      browser.removeEventListener?.('online', online);
      browser.removeEventListener?.('offline', offline);
      document?.removeEventListener('visibilitychange', visibility);
      document?.removeEventListener('resume', visibility);
      browser.removeEventListener?.('pageshow', visibility);
    };
  },
};
