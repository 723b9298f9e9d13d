import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { JwtModule } from '@nestjs/jwt';
import { ThrottlerModule } from '@nestjs/throttler';
import { Config } from '../config/config.js';
import { SessionController } from './session.controller.js';
import { SessionGuard } from './session.guard.js';
import { SessionService } from './session.service.js';

/** A password check costs CPU time, so each address has this many attempts a minute. */
const SIGN_INS_PER_MINUTE = 30;

@Module({
  imports: [
    JwtModule.registerAsync({
      inject: [Config],
      useFactory: ({ jwtSecret }: Config) => ({
        secret: jwtSecret,
        signOptions: { algorithm: 'HS256' },
        verifyOptions: { algorithms: ['HS256'] },
      }),
    }),
    ThrottlerModule.forRoot([{ ttl: 60_000, limit: SIGN_INS_PER_MINUTE }]),
  ],
  controllers: [SessionController],
  providers: [SessionService, { provide: APP_GUARD, useClass: SessionGuard }],
})
export class AuthModule {}
