import { Controller, Get, Header, Module } from '@nestjs/common';
import { NotificationsModule } from 'nest-notifications';

const HTML = '<!doctype html><title>Orders</title><ul id="orders"></ul><script type="module" src="/page.js"></script>';

const SCRIPT = `
import { connect } from '/notifications/client.js';

for await (const { data } of connect({ url: '/notifications', topics: ['orders'] })) {
  const item = document.createElement('li');
  item.textContent = data.id;
  document.querySelector('#orders').append(item);
}`;

@Controller()
class PageController {
  @Get()
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Content-Security-Policy', "default-src 'self'")
  page(): string {
    return HTML;
  }

  @Get('page.js')
  @Header('Content-Type', 'text/javascript')
  script(): string {
    return SCRIPT;
  }
}

@Module({
  imports: [NotificationsModule.forRoot({ access: 'public', serveClient: true })],
  controllers: [PageController],
})
export class AppModule {}
