import { type CanActivate, type ExecutionContext, Injectable, Module, UnauthorizedException } from '@nestjs/common';
import { createHash, timingSafeEqual } from 'node:crypto';
import { NotificationsModule, NotificationsService, type NotificationStory } from 'nest-notifications';
import { NotificationsInspectorModule } from 'nest-notifications/inspector';

interface Exchange {
  readonly request: { readonly headers: { readonly authorization?: string } };
  readonly response: { header(name: string, value: string): unknown };
}

/** Asks the browser for a name and a password. Use your own guard if operators have accounts. */
@Injectable()
export class OperatorGuard implements CanActivate {
  readonly #expected = digest(`Basic ${btoa(`operator:${process.env.OPERATOR_PASSWORD}`)}`);

  canActivate(context: ExecutionContext): boolean {
    const http = context.switchToHttp();
    const { authorization = '' } = http.getRequest<Exchange['request']>().headers;
    const isOperator = timingSafeEqual(digest(authorization), this.#expected);
    if (isOperator && process.env.OPERATOR_PASSWORD) return true;
    http.getResponse<Exchange['response']>().header('WWW-Authenticate', 'Basic realm="operators"');
    throw new UnauthorizedException();
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Explains notifications in code, such as in a tool for support. */
@Injectable()
export class Support {
  constructor(private readonly notifications: NotificationsService) {}

  whyNotReceived(id: string, subscriber: string): Promise<NotificationStory> {
    return this.notifications.explain(id, { subscriber, topic: 'orders' });
  }
}

@Module({
  imports: [
    NotificationsModule.forRoot({ isGlobal: true, access: 'public' }),
    NotificationsInspectorModule.forRoot({ guards: [OperatorGuard] }),
  ],
  providers: [Support],
})
export class AppModule {}
