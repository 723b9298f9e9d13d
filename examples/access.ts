import { type CanActivate, type ExecutionContext, Injectable, Module, UnauthorizedException } from '@nestjs/common';
import { NotificationsModule, topicOf } from 'nest-notifications';

interface UserRequest {
  headers: Record<string, string | undefined>;
  user?: { id: string; isAdmin: boolean };
}

/** A substitute for your application's guard, which may use Passport, a JWT or a session. */
@Injectable()
class AuthGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<UserRequest>();
    const [, id] = /^Bearer user-(\w+)$/.exec(request.headers.authorization ?? '') ?? [];
    if (!id) throw new UnauthorizedException();
    request.user = { id, isAdmin: id === 'root' };
    return true;
  }
}

interface UserContext {
  readonly request: UserRequest;
}

@Module({
  imports: [
    NotificationsModule.forRoot({
      guards: [AuthGuard],
      access: {
        subscriber: ({ request }: UserContext) => request.user?.id,
        topics: ({ subscriber }) => (subscriber ? [topicOf('user', subscriber), 'news'] : ['news']),
        read: {
          'user.:id': ({ subscriber }, { id }) => id === subscriber,
          news: true,
        },
        publish: ({ request }: UserContext) => request.user?.isAdmin === true,
      },
    }),
  ],
})
export class AppModule {}
