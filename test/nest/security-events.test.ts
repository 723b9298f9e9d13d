import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { ForbiddenException, InternalServerErrorException, Logger } from '@nestjs/common';
import { AsyncLocalStorage } from 'node:async_hooks';
import { config, firstValueFrom, map, merge, of, toArray } from 'rxjs';
import { type ErrorCode, NotificationsError } from '../../src/core/errors.js';
import { Observers } from '../../src/core/observers.js';
import type { SecurityEvent, SecurityRequest } from '../../src/nest/security/security-event.js';
import { SecurityEvents } from '../../src/nest/security/security-events.js';
import { ManualClock } from '../../src/testing/index.js';
import { STATUS_OF } from '../../src/wire/errors.js';
import { type Logs, nestLogger } from '../support/http/logs.js';
import { turn } from '../support/time/until.js';
import { pause } from '../support/time/pause.js';
import { rethrow } from '../support/rethrow.js';

const POLL: SecurityRequest = { route: 'poll', subscriber: 'ann', address: '127.0.0.1' };
const FORBIDDEN = new NotificationsError('forbidden', 'a text');

describe('security events', () => {
  let clock: ManualClock;
  let security: SecurityEvents;

  beforeEach(() => {
    clock = new ManualClock();
    security = new SecurityEvents(clock, new Observers(rethrow));
  });

  function watch(): SecurityEvent[] {
    const events: SecurityEvent[] = [];
    security.observable.subscribe((event) => events.push(event));
    return events;
  }

  test('cost nothing without a listener: no request is described, and the clock is not read', () => {
    let calls = 0;
    const counting = new SecurityEvents(Object.assign(clock, { now: () => calls++ }), new Observers(rethrow));
    const describe = () => (calls++, { ...POLL, unreadBytes: 1 });
    const request = {};
    const report = (): void => {
      counting.identify(request, 'ann');
      counting.refused(FORBIDDEN, describe);
      counting.cut('stream.unreadMsMax', describe);
      counting.revoked({ subscriber: 'ann' });
    };
    report();
    expect([calls, Reflect.ownKeys(request)]).toEqual([0, []]);
    const subscription = counting.observable.subscribe();
    report();
    expect([calls, Reflect.ownKeys(request).length]).toEqual([5, 1]);
    subscription.unsubscribe();
    report();
    expect(calls).toBe(5);
  });

  test('have the kind `limited` or `refused` by error code; failures of the server are no events', () => {
    const events = watch();
    const codes = Object.keys(STATUS_OF) as ErrorCode[];
    const kinds = codes.map((code) => {
      security.refused(new NotificationsError(code, 'a text'), () => POLL);
      return [code, events.pop()] as const;
    });
    const failures = kinds.filter(([, event]) => !event).map(([code]) => code);
    const ownCalls = ['publish_incomplete', 'publish_only', 'owned_topics_missing'];
    expect(failures).toEqual([...ownCalls, 'draining', 'store_unavailable']);
    const limits = kinds.flatMap(([, event]) => (event?.type === 'limited' ? event.limit : []));
    expect(limits.sort()).toEqual([
      'limits.waitersMax',
      'limits.waitersPerAddressMax',
      'limits.waitersPerSubscriberMax',
      'operations.perMinuteMax',
      'publish.perMinuteMax',
      'tickets.perMinuteMax',
    ]);
    for (const [code, event] of kinds) {
      const status = STATUS_OF[code];
      if (event) expect(event).toMatchObject({ code, status, at: new Date(clock.now()), ...POLL });
    }
  });

  test('have no code for an exception of an access rule, and are absent for an unknown error', () => {
    const events = watch();
    security.refused(new ForbiddenException('a text'), () => POLL);
    security.refused(new InternalServerErrorException(), () => POLL);
    security.refused(new TypeError('a defect'), () => POLL);
    expect(events).toEqual([{ type: 'refused', at: new Date(clock.now()), code: undefined, status: 403, ...POLL }]);
  });

  test('arrive in the async context of the subscription', () => {
    const storage = new AsyncLocalStorage<string>();
    const contexts: (string | undefined)[] = [];
    storage.run('listener', () => security.observable.subscribe(() => contexts.push(storage.getStore())));
    storage.run('caller', () => {
      security.refused(FORBIDDEN, () => POLL);
    });
    expect(contexts).toEqual(['listener']);
  });

  test('release listeners at the end', async () => {
    const all = firstValueFrom(security.observable.pipe(toArray()));
    security.revoked({ subscriber: 'ann', topics: ['orders'] });
    security.complete();
    const revoked = { type: 'revoked', at: new Date(clock.now()), subscriber: 'ann', topics: ['orders'] };
    expect(await all).toEqual([revoked]);
    expect(await firstValueFrom(security.observable.pipe(toArray()))).toEqual([]);
  });

  describe('with a listener that fails', () => {
    const logs: Logs = [];
    const rethrown: unknown[] = [];

    beforeEach(() => {
      Logger.overrideLogger(nestLogger(logs));
      config.onUnhandledError = (error) => rethrown.push(error);
    });

    afterEach(() => {
      Logger.overrideLogger(true);
      config.onUnhandledError = null;
      logs.length = rethrown.length = 0;
    });

    const fail = (): never => {
      throw new Error('of a listener');
    };

    test.each<[what: string, listen: () => unknown]>([
      ['directly', () => security.observable.subscribe(fail)],
      ['in an observer', () => security.observable.subscribe({ next: fail })],
      ['in an operator', () => security.observable.pipe(map(fail)).subscribe()],
      ['behind operators', () => security.observable.pipe(map(String)).pipe(map(String)).subscribe(fail)],
      ['later', () => security.observable.subscribe((() => Promise.resolve().then(fail)) as () => void)],
      ['when it receives an error', () => security.observable.pipe(map(fail)).subscribe({ error: fail })],
    ])('%s do not break a request, the process or other listeners, and are logged once', async (_, listen) => {
      listen();
      const events = watch();
      security.refused(FORBIDDEN, () => POLL);
      security.refused(FORBIDDEN, () => POLL);
      await turn(10);
      // RxJS reports errors from a timer. The runtime's timers of one length run in order.
      await pause(0);
      expect(events).toHaveLength(2);
      expect(rethrown).toEqual([]);
      expect(logs).toEqual([expect.stringContaining('A listener of an Observable of this library failed')]);
      expect(logs[0]).toContain('of a listener');
    });

    test('leaves errors to the error handlers of the application', () => {
      const seen: unknown[] = [];
      // A deprecated form of RxJS 7.
      const failing = security.observable.pipe(map(fail));
      const { subscribe } = failing as unknown as { subscribe: (next: null, error: (error: unknown) => void) => void };
      subscribe.call(failing, null, (error) => seen.push(String(error)));
      merge(security.observable, of('other')).subscribe((value) => seen.push(value));
      security.refused(FORBIDDEN, () => POLL);
      expect(seen).toEqual(['other', 'Error: of a listener', expect.objectContaining({ type: 'refused' })]);
      expect(logs).toEqual([]);
    });
  });
});
