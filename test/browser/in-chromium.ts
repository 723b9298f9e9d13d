import { afterAll, afterEach, beforeAll, describe, expect } from '@jest/globals';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { endTest } from '../support/http/cleanup.js';
import { CHROMIUM_ARGS, chromiumPath } from './chromium.js';

/**
 * The browser of a test file. Its tests share one page; a test that needs users or tabs opens
 * contexts.
 */
export class TestBrowser {
  #browser: Browser | undefined;
  #shared: Page | undefined;
  readonly #contexts: BrowserContext[] = [];
  readonly #complaints: string[] = [];
  readonly #expected: RegExp[] = [];

  async launch(): Promise<void> {
    this.#browser = await chromium.launch({ executablePath: chromiumPath ?? 'chromium', args: CHROMIUM_ARGS });
  }

  async close(): Promise<void> {
    await this.#browser?.close();
  }

  /** The shared page. A new context and its process cost a second, more than most tests. */
  async page(): Promise<Page> {
    if (!this.#shared) {
      const context = await this.#browser!.newContext();
      this.#watch(context);
      this.#shared = await context.newPage();
    }
    return this.#shared;
  }

  /** A context of its own, which is closed after the test. */
  async newContext(): Promise<BrowserContext> {
    const context = await this.#browser!.newContext();
    this.#contexts.push(context);
    this.#watch(context);
    return context;
  }

  /** Accepts messages of the browser itself that the test causes, also those that arrive later. */
  expectComplaints(pattern: RegExp): void {
    this.#expected.push(pattern);
  }

  async endTest(): Promise<void> {
    for (const context of this.#contexts.splice(0)) await context.close();
    if (this.#shared) await reset(this.#shared);
    await endTest();
    const expected = this.#expected.splice(0);
    const complaints = this.#complaints.splice(0);
    expect(complaints.filter((text) => !expected.some((pattern) => pattern.test(text)))).toEqual([]);
  }

  /** A console message or an uncaught error on any page fails the test. */
  #watch(context: BrowserContext): void {
    context.on('console', (message) => this.#complaints.push(`${message.type()}: ${message.text()}`));
    context.on('weberror', (error) => this.#complaints.push(String(error.error())));
  }
}

/** Leaves the page of the test, and undoes what the test may have changed about the page. */
async function reset(page: Page): Promise<void> {
  await page.unrouteAll();
  await page.context().setOffline(false);
  await page.goto('about:blank');
}

/**
 * Tests in Chromium. They are skipped if there is none. The processes and pages of a test end with
 * it.
 */
export function inChromium(name: string, tests: (browser: TestBrowser) => void): void {
  const isThere = chromiumPath !== undefined || process.env.CI === 'true';
  (isThere ? describe : describe.skip)(`${name} in Chromium`, () => {
    const browser = new TestBrowser();
    beforeAll(() => browser.launch());
    afterAll(() => browser.close());
    afterEach(() => browser.endTest());
    tests(browser);
  });
}
