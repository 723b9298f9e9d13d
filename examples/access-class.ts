import { Injectable, Module } from '@nestjs/common';
import { type AccessContext, type AccessRules, NotificationsModule, type TopicParams } from 'nest-notifications';

interface UserRequest {
  user?: { id: string };
}

/** A substitute for your own service, which would read a database. */
@Injectable()
export class Members {
  readonly byTeam = new Map([['red', new Set(['ann'])]]);

  async has(team: string | undefined, userId: string | undefined) {
    return userId !== undefined && this.byTeam.get(team ?? '')?.has(userId) === true;
  }
}

@Module({ providers: [Members], exports: [Members] })
class MembersModule {}

@Injectable()
export class NotificationAccess implements AccessRules<UserRequest> {
  constructor(private readonly members: Members) {}

  subscriber = ({ request }: Pick<AccessContext<UserRequest>, 'request'>) => request.user?.id;

  read = {
    'team.:team': ({ subscriber }: AccessContext<UserRequest>, { team }: TopicParams) =>
      this.members.has(team, subscriber),
  };
}

@Module({
  imports: [NotificationsModule.forRoot({ isGlobal: true, imports: [MembersModule], access: NotificationAccess })],
})
export class AppModule {}
