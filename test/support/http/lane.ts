import type { NextFunction, Request as ExpressRequest, Response } from 'express';
import { expect } from '@jest/globals';
import type { Adapter } from './adapters.js';
import { type AppOptions, startApp, type TestApp } from './app.js';
import { Connection, type Target } from './connection.js';
import { publish } from './feed.js';
import type { Message } from './message.js';
import { until } from '../time/until.js';

export const LANE = { access: 'public', directLane: { grantMs: 30_000 } } as const;

type Headers = Readonly<Record<string, string>>;

/** An application that counts the requests that pass its middleware and guards. */
export async function startCounting(
  adapter: Adapter,
  notifications: AppOptions['notifications'] = LANE,
  middleware?: (request: ExpressRequest, response: Response) => void,
  more: Pick<AppOptions, 'nest' | 'providers'> = {},
) {
  let whole = 0;
  const configure: AppOptions['configure'] = (nest) =>
    nest.use((request: ExpressRequest, response: Response, next: NextFunction) => {
      whole++;
      middleware?.(request, response);
      next();
    });
  const app = await startApp(adapter, { notifications, configure, ...more });
  return { app, wholeWays: () => whole };
}

/** One client that polls one topic on one connection, always with the last cursor. */
export class Poller {
  readonly connection: Connection;
  cursor: string;
  readonly #app: TestApp;
  readonly #headers: Headers;

  private constructor(app: TestApp, connection: Connection, headers: Headers) {
    this.#app = app;
    this.connection = connection;
    this.#headers = headers;
    this.cursor = app.service.cursor();
  }

  static async open(app: TestApp & Target, headers: Headers = {}): Promise<Poller> {
    return new Poller(app, await Connection.open(app), headers);
  }

  send(query = '', headers: Headers = this.#headers): void {
    this.connection.send({ path: `/notifications?topic=orders&cursor=${this.cursor}${query}`, headers });
  }

  /** A poll that is held until something is published. */
  async turn(headers?: Headers): Promise<Message> {
    this.send('', headers);
    await until(() => this.#app.counts().waiters === 1);
    await publish(this.#app, 'orders');
    const answer = await this.connection.response();
    this.cursor = (answer.json as { cursor: string }).cursor;
    return answer;
  }

  async turns(count: number): Promise<void> {
    for (let done = 0; done < count; done++) expect((await this.turn()).status).toBe(200);
  }

  async answer(query = '', headers?: Headers): Promise<Message> {
    this.send(query, headers);
    return this.connection.response();
  }
}
