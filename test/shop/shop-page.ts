import type { BrowserContext, Locator, Page } from 'playwright-core';

/** A tab of the shop, in the words of its users. */
export class ShopPage {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  /** Opens a tab in which the user signs in with a demo account. */
  static async signIn(context: BrowserContext, url: string, user: string): Promise<ShopPage> {
    const shop = await ShopPage.open(context, url);
    await shop.page.getByRole('button', { name: new RegExp(`^${user} `) }).click();
    await shop.isLive();
    return shop;
  }

  /** Opens a tab, which has the session of the context. */
  static async open(context: BrowserContext, url: string): Promise<ShopPage> {
    const page = await context.newPage();
    await page.goto(url);
    return new ShopPage(page);
  }

  async isLive(): Promise<void> {
    await this.page.locator('.pill', { hasText: 'Live' }).waitFor();
  }

  get bell(): Locator {
    return this.page.getByRole('button', { name: /^Notifications/ });
  }

  /** Waits until the bell has this number of unread items. */
  async unread(count: number): Promise<void> {
    const name = count === 0 ? 'Notifications' : `Notifications, ${count} unread`;
    await this.page.getByRole('button', { name, exact: true }).waitFor();
  }

  async addToBasket(product: string): Promise<void> {
    await this.page.getByRole('button', { name: new RegExp(`^Add .*: ${product}$`) }).click();
  }

  async order(product: string): Promise<void> {
    await this.addToBasket(product);
    await this.page.getByRole('button', { name: 'Place the order' }).click();
    await this.page.getByText('Your basket is empty.').waitFor();
  }

  async ship(order: number, carrier: string): Promise<void> {
    await this.page.getByLabel(`Carrier of order ${order}`).selectOption(carrier);
    await this.page.getByRole('button', { name: `Ship order ${order}` }).click();
  }

  /** An order of the list, by its title and its status. */
  async hasOrder(title: string, status: string): Promise<void> {
    const heading = this.page.getByText(title, { exact: true });
    await this.page.getByRole('listitem').filter({ has: heading }).filter({ hasText: status }).waitFor();
  }

  async hasStock(product: string, text: string): Promise<void> {
    const heading = this.page.getByRole('heading', { name: product });
    await this.page.getByRole('listitem').filter({ has: heading }).filter({ hasText: text }).waitFor();
  }

  /** The items of the bell, newest first. */
  async items(): Promise<string[]> {
    await this.bell.click();
    const titles = await this.page.locator('notification-inbox [part=item-title]').allInnerTexts();
    await this.bell.click();
    return titles;
  }
}
