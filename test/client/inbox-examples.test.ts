import '@angular/compiler';
import { createEnvironmentInjector, type EnvironmentInjector, Injector } from '@angular/core';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { InboxSnapshot } from 'nest-notifications/client/inbox';
import { InboxSignals } from '../../examples/inbox-angular.js';
import { showInbox } from '../../examples/inbox-client.js';
import { endTest } from '../support/http/cleanup.js';
import { until } from '../support/time/until.js';
import { fill, type InboxApp, startInbox } from './inbox-app.js';

const ofNode = globalThis.fetch;
let app: InboxApp;

/** A page has an address, and the URL of the inbox is relative to it. */
beforeEach(async () => {
  app = await startInbox();
  await fill(app.service, 2);
  globalThis.fetch = (input, init) => {
    const headers = { Authorization: 'Bearer ann', ...(init?.headers as Record<string, string>) };
    return ofNode(new URL(input as string, app.url), { ...init, headers });
  };
});

afterEach(async () => {
  globalThis.fetch = ofNode;
  app.app.nest.getHttpServer().closeAllConnections();
  await endTest();
});

test('the example without a framework', async () => {
  const snapshots: InboxSnapshot[] = [];
  const listeners: { click?: (id: string) => void; all?: (shown: InboxSnapshot) => void } = {};
  const closing = new AbortController();
  const view = {
    render: (snapshot: InboxSnapshot) => void snapshots.push(snapshot),
    onItemClick: (listener: (id: string) => void) => void (listeners.click = listener),
    onMarkAll: (listener: (shown: InboxSnapshot) => void) => void (listeners.all = listener),
    onScrollEnd: (listener: () => void) => {
      listener();
    },
  };
  showInbox(app.url, { id: 'ann', token: 'ann' }, view, closing.signal);
  await until(() => snapshots.at(-1)?.items.length === 2);
  const shown = snapshots.at(-1)!;
  listeners.click?.('a2');
  expect(snapshots.at(-1)?.counts.unread).toBe(1);
  await fill(app.service, 1, 3);
  await until(() => snapshots.at(-1)?.items.length === 3);
  listeners.all?.(shown);
  await until(() => snapshots.at(-1)?.pending === 0);
  expect((await app.service.list('ann', { status: 'unread' })).items).toMatchObject([{ notification: { id: 'a3' } }]);
  closing.abort();
  expect(snapshots.at(-1)?.status).toBe('closed');
});

test('the example for Angular', async () => {
  const injector = createEnvironmentInjector([InboxSignals], Injector.NULL as EnvironmentInjector);
  const inbox = injector.get(InboxSignals);
  await until(() => inbox.status() === 'live');
  expect(inbox.items()).toHaveLength(2);
  await inbox.markRead('a1');
  expect(inbox.unread()).toBe(1);
  await inbox.markAllRead();
  expect((await app.service.counts('ann')).unread).toBe(0);
  injector.destroy();
  expect(inbox.status()).toBe('closed');
});

test('the example for Vue', async () => {
  let unmount = (): void => undefined;
  const vue = { shallowRef: (value: unknown) => ({ value }), onScopeDispose: (end: () => void) => (unmount = end) };
  jest.unstable_mockModule('vue', () => vue, { virtual: true });
  const { inbox, useInbox } = (await import('../../examples/inbox-vue.js')) as {
    inbox: { status: string };
    useInbox(): { value: InboxSnapshot };
  };
  const snapshot = useInbox();
  await until(() => snapshot.value.items.length === 2);
  unmount();
  await until(() => inbox.status === 'idle');
});
