import { Test } from '@nestjs/testing';
import { NotificationsModule, NotificationsService } from 'nest-notifications';
import { ManualClock } from 'nest-notifications/testing';
import { firstValueFrom } from 'rxjs';

/** A poll of 25 seconds, in a test that takes milliseconds. */
export async function pollWithoutWaiting() {
  const clock = new ManualClock();
  const module = await Test.createTestingModule({
    imports: [NotificationsModule.forRoot({ access: 'public', clock })],
  }).compile();
  const app = await module.createNestApplication().init();
  const service = app.get<NotificationsService>(NotificationsService);
  const page = firstValueFrom(service.poll({ topics: ['orders'], waitMs: 25_000 }));
  await clock.advance(25_000);
  const { notifications } = await page;
  await app.close();
  return notifications;
}
