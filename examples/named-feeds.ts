import { Controller, Module, Post } from '@nestjs/common';
import { InjectNotifications, memoryStore, NotificationsModule, NotificationsService } from 'nest-notifications';

@Controller()
class DeviceController {
  constructor(
    private readonly notifications: NotificationsService,
    @InjectNotifications('telemetry') private readonly telemetry: NotificationsService,
  ) {}

  @Post('measure')
  async measure() {
    await this.telemetry.publish('temperature', { type: 'measured', data: { celsius: 90 } });
    await this.notifications.publish('alarms', { type: 'too-hot', data: null });
  }
}

@Module({
  imports: [
    // GET /notifications
    NotificationsModule.forRoot({ access: 'public' }),
    // GET /notifications/telemetry
    NotificationsModule.forRoot({ name: 'telemetry', access: 'public', store: memoryStore({ retainCount: 1_000 }) }),
  ],
  controllers: [DeviceController],
})
export class AppModule {}
