import { Module } from '@nestjs/common';
import { NotificationsModule } from 'nest-notifications';
import { NotificationsTracesModule } from 'nest-notifications/opentelemetry';

@Module({
  imports: [NotificationsModule.forRoot({ isGlobal: true, access: 'public' }), NotificationsTracesModule],
})
export class AppModule {}
