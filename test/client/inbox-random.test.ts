import { expect, test } from '@jest/globals';
import type { Change } from '../../src/client/inbox/wire-types.js';
import { isSnoozed, type KnownItems, idOf, withChange, withEvent } from '../../src/client/inbox/item-list.js';
import { OperationQueue } from '../../src/client/inbox/operation-queue.js';
import { runtime } from '../../src/client/environment.js';
import { applyOperation, type InboxOperation, itemState, NEW_INBOX } from '../../src/inbox/inbox-state.js';
import { inDepth } from '../support/depth.js';
import { Random } from '../support/random.js';
import { turn } from '../support/time/until.js';

const SEEDS = inDepth(40, 3_000);
const DEVICES = 3;
const STEPS = 60;
const OPS = ['seen', 'read', 'unread', 'archive', 'unarchive', 'snooze', 'unsnooze'] as const;
const OPS_UP_TO = ['seen', 'read', 'archive'] as const;
/** No snooze ends during the test. */
const UNTIL = '2030-01-01T00:00:00.000Z';
/** `shared` items are changed by all devices, and `d<n>` items by one device only. */
const IDS = ['shared1', 'shared2', 'd0', 'd1', 'd2'];
const START: KnownItems<object> = IDS.map((id) => {
  return { notification: { id }, seen: false, read: false, archived: false };
});

const stateOf = (items: KnownItems<object>): string => JSON.stringify(items);

/** The list is newest first, so the first item has the highest position. */
const positionOf = (id: string): number => IDS.length - IDS.indexOf(id);

/** The operations of all devices, in the order of the log, and the state that the server folds. */
class Server {
  readonly log: Change[] = [];
  #state = NEW_INBOX;

  get items(): KnownItems<object> {
    return START.map((item) => {
      const { seen, read, archived, removed, snoozedUntil } = itemState(this.#state, positionOf(idOf(item)));
      const until = snoozedUntil && { snoozedUntil: snoozedUntil.toISOString() };
      return { ...item, seen, read, archived, ...(removed && { removed }), ...until };
    });
  }

  /** Returns whether the operation changed the state. Here, a cursor is the id of an item. */
  apply(change: Change): boolean {
    const { op, ids = [], upTo, until } = change;
    const except = upTo === undefined ? undefined : this.items.filter(isSnoozed).map(idOf);
    const selection = upTo
      ? { upTo: positionOf(upTo), except: except?.map(positionOf) }
      : { positions: ids.map(positionOf) };
    const operation = { op, ...selection, ...(until && { untilMs: Date.parse(until) }) } as InboxOperation;
    const next = applyOperation(this.#state, operation);
    if (next === this.#state) return false;
    this.#state = next;
    this.log.push({ ...change, except });
    return true;
  }
}

/** A device whose requests, answers and events arrive when the test says so. */
class Device {
  readonly queue: OperationQueue;
  /** The list that the server has sent, up to `position` of the log. */
  items = START;
  position = 0;
  /** The effects of this device's own operations alone. */
  own = START;
  #request: { body: Change; resolve: (response: Response) => void; answer?: string } | undefined;
  #page: { items: KnownItems<object>; position: number } | undefined;
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
    const events = {
      changed: () => undefined,
      acknowledged: () => true,
      apply: (change: Change) => void (this.items = withChange(this.items, change)),
      rejected: () => undefined,
      refused: () => undefined,
    };
    const fetch = (_: unknown, init?: RequestInit): Promise<Response> =>
      new Promise((resolve) => (this.#request = { body: JSON.parse(init?.body as string) as Change, resolve }));
    const environment = { ...runtime, fetch: fetch as typeof runtime.fetch, setTimeout: () => undefined };
    this.queue = new OperationQueue({ url: 'http://inbox' }, environment, events);
  }

  get shown(): KnownItems<object> {
    return this.queue.changes.reduce(withChange, this.items);
  }

  operate(op: Change['op'], id: string): void {
    const operation = { op, ids: [id], ...(op === 'snooze' && { until: UNTIL }) };
    this.own = withChange(this.own, operation);
    void this.queue.add(operation);
  }

  /** "Mark all" up to an item. */
  operateUpTo(op: Change['op'], id: string): void {
    void this.queue.add({ op, upTo: id, newest: id, except: this.shown.filter(isSnoozed).map(idOf) });
  }

  /** The request of the device reaches the server. */
  process(): void {
    if (!this.#request || this.#request.answer) return;
    const changed = this.#server.apply(this.#request.body);
    this.#request.answer = JSON.stringify({ changed, unknown: [] });
  }

  /** The answer reaches the device. */
  answer(): void {
    const { answer, resolve } = this.#request ?? {};
    if (answer === undefined) return;
    this.#request = undefined;
    resolve?.(new Response(answer));
  }

  /** The live feed delivers the next operation. */
  deliver(): void {
    const change = this.#server.log[this.position];
    if (!change) return;
    this.position++;
    this.items = withEvent(this.items, { items: [], changes: [change], retracted: [], counts: undefined });
    this.queue.received([change]);
  }

  /** The device requests the list again, or the list arrives. */
  load(): void {
    if (this.#page) {
      Object.assign(this, this.#page);
      this.#page = undefined;
      this.queue.loaded();
    } else {
      this.queue.pageRequested();
      this.#page = { items: this.#server.items, position: this.#server.log.length };
    }
  }
}

test('devices agree at the end, and none ever shows an older state of its own items', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = new Random(seed);
    const server = new Server();
    const devices = Array.from({ length: DEVICES }, () => new Device(server));
    // A page may be older than events that arrived before it. "Mark all" of one device changes the
    // items of all.
    const hasLoads = seed % 2 === 0;
    const check = (): void => {
      if (hasLoads) return;
      devices.forEach((device, n) => {
        const of = (items: KnownItems<object>): string => stateOf(items.filter((item) => idOf(item) === `d${n}`));
        expect({ seed, own: of(device.shown) }).toEqual({ seed, own: of(device.own) });
      });
    };
    for (let step = 0; step < STEPS; step++) {
      const n = random.from(0, DEVICES - 1);
      const device = devices[n]!;
      const id = random.pick(['shared1', 'shared2', `d${n}`]);
      const op = random.pick(OPS);
      const steps = [
        () => device.operate(op, id),
        () => device.process(),
        () => device.answer(),
        () => device.deliver(),
      ];
      const dice = hasLoads ? random.from(1, 20) : 20;
      if (dice === 1) device.load();
      else if (dice === 2) device.operateUpTo(random.pick(OPS_UP_TO), random.pick(IDS));
      else random.pick(steps)();
      await turn(3);
      check();
    }
    while (devices.some(({ queue, position }) => queue.pending > 0 || position < server.log.length)) {
      for (const device of devices) {
        device.process();
        device.answer();
        device.deliver();
      }
      await turn(3);
      check();
    }
    // An acknowledged operation may wait for the next event.
    server.apply({ op: 'remove', ids: ['shared1'] });
    for (const device of devices) while (device.position < server.log.length) device.deliver();
    for (const device of devices) expect({ seed, shown: device.shown }).toEqual({ seed, shown: server.items });
    for (const { queue } of devices) queue.close();
  }
});
