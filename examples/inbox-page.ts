import { Controller, Get, Header, Module } from '@nestjs/common';
import { InboxModule } from 'nest-notifications/inbox';

const HTML = `<!doctype html>
<title>Home</title>
<script type="module" src="/inbox/client/inbox-element.js"></script>
<notification-inbox url="/inbox"></notification-inbox>
`;

@Controller()
class PageController {
  @Get()
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Content-Security-Policy', "default-src 'none'; script-src 'self'; connect-src 'self'")
  page(): string {
    return HTML;
  }
}

interface SignedIn {
  readonly request: { readonly user?: { readonly id: string } };
}

@Module({
  imports: [
    InboxModule.forRoot({
      // A guard has set `user`, for example from a session cookie.
      access: { subscriber: ({ request }: SignedIn) => request.user?.id },
      serveClient: true,
    }),
  ],
  controllers: [PageController],
})
export class AppModule {}
