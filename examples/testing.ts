import type { Type } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { getNotificationsStoreToken, memoryStore } from 'nest-notifications';

/**
 * Your application, with its own access rules and an empty log in memory. No Redis or database is
 * opened.
 */
export async function createTestApp(AppModule: Type) {
  const module = await Test.createTestingModule({ imports: [AppModule] })
    .overrideProvider(getNotificationsStoreToken())
    .useValue(memoryStore())
    .compile();
  return module.createNestApplication().init();
}
