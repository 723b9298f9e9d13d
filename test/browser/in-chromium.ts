import { afterAll, afterEach, beforeAll, describe, expect } from '@jest/globals';
import { type Browser, type BrowserContext, chromium } from 'playwright-core';
import { endTest } from '../support/http/cleanup.js';
import { CHROMIUM_ARGS, chromiumPath } from './chromium.js';

/** A browser that tests share; each has contexts of its own, as users with their tabs are. */
export class TestBrowser {
  #browser: Browser | undefined;
  readonly #contexts: BrowserContext[] = [];
  #complaints: string[] = [];

  async launch(): Promise<void> {
    this.#browser = await chromium.launch({ executablePath: chromiumPath ?? 'chromium', args: CHROMIUM_ARGS });
  }

  async close(): Promise<void> {
    await this.#browser?.close();
  }

  /** What any page of it says on its console, or throws, is held against the test. */
  async newContext(): Promise<BrowserContext> {
    const context = await this.#browser!.newContext();
    this.#contexts.push(context);
    context.on('console', (message) => this.#complaints.push(`${message.type()}: ${message.text()}`));
    context.on('weberror', (error) => this.#complaints.push(String(error.error())));
    return context;
  }

  /** What the browser itself says, of its own accord, about something that the test does. */
  expectComplaints(pattern: RegExp): void {
    this.#complaints = this.#complaints.filter((text) => !pattern.test(text));
  }

  async endTest(): Promise<void> {
    for (const context of this.#contexts.splice(0)) await context.close();
    await endTest();
    expect(this.#complaints.splice(0)).toEqual([]);
  }
}

/** Tests in Chromium, which are skipped where there is none. What a test has started is ended after it. */
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
