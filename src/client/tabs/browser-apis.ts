/** The browser APIs that coordinate pages of one origin. */
export interface BrowserApis {
  readonly locks?: Locks | undefined;
  readonly openChannel?: ((name: string) => Channel) | undefined;
}

/** The part of the Web Locks API that the client uses. */
export interface Locks {
  /** Rejects if another request steals the lock. */
  request(
    name: string,
    options: { readonly signal: AbortSignal } | { readonly steal: true },
    task: () => Promise<void>,
  ): Promise<unknown>;
}

/** The part of a BroadcastChannel that the client uses. */
export interface Channel {
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

/** Other runtimes have some of these globals, or none. */
interface Globals {
  readonly BroadcastChannel?: new (name: string) => Channel;
  readonly navigator?: { readonly locks?: Locks };
  readonly document?: object;
}

const { BroadcastChannel, navigator, document } = globalThis as unknown as Globals;

export const browserApis: BrowserApis = {
  // Node has locks and channels too, but no tabs.
  locks: document && navigator?.locks,
  openChannel: BroadcastChannel && ((name) => new BroadcastChannel(name)),
};
