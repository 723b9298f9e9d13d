import { PrismaPg } from '@prisma/adapter-pg';
import type { OpenOutbox } from './outbox.js';
import { PrismaClient } from './prisma/generated/client.js';

export const open: OpenOutbox = async (url) => {
  const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: url }) });
  return {
    ship: (id, publication, fail) =>
      prisma.$transaction(async (tx) => {
        await tx.order.update({ where: { id }, data: { shipped: true } });
        await tx.$queryRaw`SELECT notifications.publish(${publication.text})`;
        if (fail) throw fail;
      }),
    close: () => prisma.$disconnect(),
  };
};
