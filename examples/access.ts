import { type CanActivate, type ExecutionContext, Injectable, Module, UnauthorizedException } from '@nestjs/common';
import { NotificationsModule } from 'nest-notifications';

interface UserRequest {
  headers: Record<string, string | undefined>;
  user?: { id: string; isAdmin: boolean };
}

/** Stands for the application's own: passport, a JWT, a session. */
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

const own = (request: UserRequest) => `user.${request.user?.id ?? ''}`;

@Module({
  imports: [
    NotificationsModule.forRoot({
      guards: [AuthGuard],
      access: {
        topics: ({ request }: { request: UserRequest }) => [own(request), 'news'],
        read: ({ request }: { request: UserRequest }, topic: string) => topic === 'news' || topic === own(request),
        publish: ({ request }: { request: UserRequest }) => request.user?.isAdmin === true,
      },
    }),
  ],
})
export class AppModule {}
