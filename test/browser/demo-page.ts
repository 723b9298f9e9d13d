import { expect } from '@jest/globals';
import type { Locator, Page } from 'playwright-core';
import { until, WITHIN_MS } from '../support/time/until.js';
import type { TestBrowser } from './in-chromium.js';

/** The pause between two checks of a page. A check costs the browser some milliseconds. */
const EVERY_MS = 25;

/** The readers that have a column. */
export const COLUMNS = ['Long poll', 'Event stream'] as const;
/** The readers that have a cable. */
export const READERS = ['Bell', ...COLUMNS] as const;

export type ColumnName = (typeof COLUMNS)[number];
export type ReaderName = (typeof READERS)[number];

interface Look {
  readonly width?: number;
  readonly colorScheme?: 'light' | 'dark';
  readonly reducedMotion?: 'reduce' | 'no-preference';
  /** The topics to follow, if not those that the page begins with. */
  readonly topics?: string;
}

/** The page of `npm start`, in the words of its tests. */
export class DemoPage {
  readonly page: Page;
  readonly #url: string;

  private constructor(page: Page, url: string) {
    this.page = page;
    this.#url = url;
  }

  /** Resolves when all three readers are live. */
  static async open(browser: TestBrowser, url: string, look: Look = {}): Promise<DemoPage> {
    const { width = 1280, colorScheme = 'light', reducedMotion = 'no-preference', topics } = look;
    const page = await browser.page();
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme, reducedMotion });
    await page.goto(url);
    const demo = new DemoPage(page, url);
    if (topics !== undefined) await demo.follow(topics);
    await demo.areLive();
    return demo;
  }

  column(name: ColumnName): Locator {
    return this.page.getByRole('region', { name });
  }

  cable(name: ReaderName): Locator {
    return this.page.getByRole('switch', { name: `Cable of ${name}` });
  }

  lane(name: ReaderName): Locator {
    return this.page.getByRole('listitem').filter({ has: this.cable(name) });
  }

  get bell(): Locator {
    return this.page.getByRole('button', { name: /^Notifications/ });
  }

  get bellPanel(): Locator {
    return this.page.getByRole('dialog', { name: 'Notifications' });
  }

  async areLive(): Promise<void> {
    for (const name of READERS)
      await this.lane(name)
        .locator('.reader', { hasText: /live|holding/ })
        .waitFor();
  }

  async follow(topics: string): Promise<void> {
    await this.page.getByLabel('Topics').fill(topics);
    await this.page.getByRole('button', { name: 'Follow' }).click();
  }

  /** Waits for the verdict on all three readers: `same`, `behind` or `different`. */
  async verdict(kind: string): Promise<void> {
    await this.page.locator(`#cables[data-verdict=${kind}]`).waitFor();
  }

  /** Waits for the verdict on all three readers, in words. */
  async answers(text: string | RegExp): Promise<void> {
    await this.page.locator('#verdict-answer', { hasText: text }).waitFor();
  }

  /** Fills in the form and sends it. */
  async publish(count: number, text: string): Promise<void> {
    await this.page.getByLabel('How many').fill(String(count));
    await this.page.getByLabel('Data (JSON)').fill(JSON.stringify({ text }));
    await this.page.getByRole('button', { name: 'Publish' }).click();
    await this.page.locator('#publish-result[data-kind=good]').waitFor();
  }

  /** Another client publishes numbers. */
  async numbers(from: number, to: number, topic = 'demo'): Promise<void> {
    const items = span(from, to).map((n) => ({ topic, type: 'number', data: { text: `number ${n}` } }));
    const response = await fetch(`${this.#url}notifications`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(items),
    });
    await response.text();
    expect(response.status).toBe(201);
  }

  /** The numbers that a reader shows, the oldest first. */
  async shown(name: ReaderName): Promise<number[]> {
    const items =
      name === 'Bell' ? this.page.locator('#bell-list li') : this.column(name).locator('[data-part=notifications] li');
    const texts = await items.allTextContents();
    return texts
      .flatMap((text) => /number (\d+)/.exec(text)?.[1] ?? [])
      .map(Number)
      .reverse();
  }

  async shows(name: ReaderName, numbers: readonly number[]): Promise<void> {
    await until(async () => (await this.shown(name)).length >= numbers.length, WITHIN_MS, EVERY_MS);
    expect(await this.shown(name)).toEqual(numbers);
  }

  async received(name: ReaderName): Promise<number> {
    return Number(await this.lane(name).locator('[data-part=received]').textContent());
  }

  /** Waits until a reader has at least so many notifications. */
  async reach(name: ReaderName, count: number): Promise<void> {
    await until(async () => (await this.received(name)) >= count, WITHIN_MS, EVERY_MS);
  }

  /** Waits for a text that the page announces to screen readers. */
  async hears(text: string | RegExp): Promise<void> {
    await this.page.locator('#announcer', { hasText: text }).waitFor({ state: 'attached' });
  }
}

/** Whole numbers, both ends included. */
export function span(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
