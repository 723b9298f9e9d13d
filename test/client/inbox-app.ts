import type { InboxOptions, RemovableStorage } from 'nest-notifications/client/inbox';
import { InboxModule, type InboxOptions as ServerOptions, InboxService } from 'nest-notifications/inbox';
import { NotificationsModule } from 'nest-notifications';
import { type DeviceEvent, type Environment, runtime } from '../../src/client/environment.js';
import { Inbox } from '../../src/client/inbox/inbox.js';
import { fastify } from '../support/http/adapters.js';
import { startApp, type TestApp } from '../support/http/app.js';
import { atTestEnd } from '../support/http/cleanup.js';
import { turn } from '../support/time/until.js';

const subscriber = ({ request: { headers } }: { request: { headers: Record<string, string | undefined> } }) =>
  headers.authorization?.replace('Bearer ', '');

/** An application with an inbox. A caller's subscriber is its bearer token. */
export async function startInbox(options: Partial<ServerOptions> = {}): Promise<InboxApp> {
  const module = InboxModule.forRoot({ access: { subscriber }, ...options });
  const app = await startApp(fastify, { imports: [NotificationsModule.forRoot({ access: 'public' }), module] });
  return { app, url: `http://127.0.0.1:${app.port}/inbox`, service: app.nest.get(InboxService, { strict: false }) };
}

export interface InboxApp {
  readonly app: TestApp;
  readonly url: string;
  readonly service: InboxService;
}

/** Sends items `a1` to `a<count>` to the user `ann`. */
export async function fill(service: InboxService, count: number, from = 1): Promise<void> {
  for (let n = from; n < from + count; n++) await service.send('ann', { id: `a${n}`, type: 'comment', data: { n } });
}

/** A device whose network a test controls. */
export class InboxDevice {
  /** The bodies of the operations that were sent, in order. */
  readonly sent: string[] = [];
  /** The number of requests for pages and for the live feed. */
  reads = 0;
  isOnline = true;
  /** Answers a request in place of the server, or undefined. */
  intercept: (url: string, init: RequestInit | undefined) => Promise<Response | undefined> | Response | undefined =
    () => undefined;
  readonly environment: Environment;
  readonly #listeners = new Set<(event: DeviceEvent) => void>();

  constructor(more: Partial<Environment> = {}) {
    this.environment = {
      ...runtime,
      random: () => 0,
      isOnline: () => this.isOnline,
      watch: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
      fetch: async (input, init) => {
        if (!this.isOnline || init?.signal?.aborted)
          throw new TypeError('the device is offline, or the request aborted');
        const isOperation = init?.method === 'POST';
        if (!isOperation) this.reads++;
        const answer = await this.intercept(input as string, init);
        if (isOperation) this.sent.push(init.body as string);
        return answer ?? fetch(input, init);
      },
      ...more,
    };
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  goOffline(): void {
    this.isOnline = false;
    for (const listener of [...this.#listeners]) listener('offline');
  }

  goOnline(): void {
    this.isOnline = true;
    for (const listener of [...this.#listeners]) listener('online');
  }
}

/** The inbox of `ann` on a device. It closes at the end of the test. */
export function openInbox(
  { app, url }: InboxApp,
  device = new InboxDevice(),
  options: Partial<InboxOptions> = {},
): Inbox {
  const inbox = new Inbox({ url, auth: () => 'ann', ...options }, device.environment);
  atTestEnd(async () => {
    inbox.close();
    // After an abort, Node's `fetch` opens another connection and keeps it unused for four seconds.
    await turn(20);
    for (const socket of app.sockets) if (socket.bytesRead === 0) socket.destroy();
  });
  return inbox;
}

export function idsIn(inbox: Inbox): string[] {
  return inbox.items.map(({ notification }) => notification.id);
}

/** The ids of unread items. */
export function unreadIn(inbox: Inbox): string[] {
  return inbox.items.filter(({ read }) => !read).map(({ notification }) => notification.id);
}

/** An answer in place of the server's. */
export function answer(status: number, code: string, headers: Record<string, string> = {}): Response {
  const body = JSON.stringify({ code, message: `refused with ${code}` });
  return new Response(body, { status, headers: { 'Content-Type': 'application/json', ...headers } });
}

/** A storage like `sessionStorage`, and its content. */
export function storageOf(): RemovableStorage & { readonly texts: Map<string, string> } {
  const texts = new Map<string, string>();
  return {
    texts,
    getItem: (key) => texts.get(key) ?? null,
    setItem: (key, value) => void texts.set(key, value),
    removeItem: (key) => void texts.delete(key),
  };
}
