import { Module } from '@nestjs/common';
import { NotificationsModule, type StoreFactory } from 'nest-notifications';

/** A worker, a queue consumer or a cron job: give it the store that the nodes use. */
export const workerModule = (store: StoreFactory) => {
  @Module({ imports: [NotificationsModule.forRoot({ publishOnly: true, store })] })
  class WorkerModule {}
  return WorkerModule;
};
