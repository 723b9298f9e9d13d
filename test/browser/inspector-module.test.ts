import { expect, it } from '@jest/globals';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import { NotificationsModule, NotificationsService } from 'nest-notifications';
import { NotificationsInspectorModule } from 'nest-notifications/inspector';
import { express, fastify } from '../support/http/adapters.js';
import { startApp } from '../support/http/app.js';
import { inChromium } from './in-chromium.js';
import { InspectorTestPage } from './inspector-page.js';

/** Accepts a browser with the cookie of an operator. */
const guard: CanActivate = {
  canActivate: (context: ExecutionContext) => {
    const { headers } = context.switchToHttp().getRequest<{ headers: { cookie?: string } }>();
    return headers.cookie?.includes('role=operator') === true;
  },
};

inChromium('the page of the inspector on a real node', (browser) => {
  it.each([express, fastify])('shows its feed and a story, and loses access with the session', async (adapter) => {
    const app = await startApp(adapter, {
      configure: (nest) => nest.setGlobalPrefix('api'),
      imports: [
        NotificationsModule.forRoot({ access: { subscriber: () => 'ann', read: { orders: true } } }),
        NotificationsInspectorModule.forRoot({ guards: [guard], path: 'ops/feeds' }),
      ],
    });
    const origin = `http://127.0.0.1:${app.port}`;
    const page = await browser.page();
    await page.context().addCookies([{ name: 'role', value: 'operator', url: origin }]);
    const inspector = await InspectorTestPage.open(browser, `${origin}/api/ops/feeds`);
    const service = app.nest.get(NotificationsService, { strict: false });
    const held = fetch(`${origin}/api/notifications?topic=orders&wait=20`);
    await inspector.page.locator('.tile', { hasText: '1 poll, 0 streams' }).waitFor();
    await service.publish('orders', { id: 'o1', type: 'order.shipped', data: {} });
    await (await held).text();
    await inspector.explain({ id: 'o1', subscriber: 'ann' });
    await inspector.page.getByText('ann has received this notification from this node.').waitFor();
    expect(await inspector.page.locator('.steps').textContent()).toContain('It was delivered to ann by a long poll');
    await page.context().clearCookies();
    await inspector.refresh();
    await inspector.page.getByText('You have no permission to use the inspector.').waitFor();
    browser.expectComplaints(/status of 403/);
  });
});
