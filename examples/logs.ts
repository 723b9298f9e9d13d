import type { IncomingMessage } from 'node:http';
import { Module } from '@nestjs/common';
import { NotificationsModule, redactTicket } from 'nest-notifications';
import { LoggerModule, type Params } from 'nestjs-pino';

/** The part of a request that pino writes to a log line. */
interface LoggedRequest {
  readonly url: string;
  readonly query?: unknown;
}

/** Fastify changes `url` for its middleware, and keeps the path in `originalUrl`. */
function isRead({ method = '', url = '', originalUrl = url }: IncomingMessage & { originalUrl?: string }): boolean {
  return ['GET', 'QUERY'].includes(method) && /^\/notifications\b/.test(originalUrl);
}

const logging: Params = {
  pinoHttp: {
    // Reads are not logged: a client polls every 25 seconds, or holds a stream for several minutes.
    autoLogging: { ignore: isRead },
    // Credentials in headers, such as `Authorization: Bearer …`.
    redact: ['req.headers.authorization', 'req.headers.cookie', 'res.headers["set-cookie"]'],
    serializers: {
      // Tickets are in the URL. `query` has the same values, so it is left out.
      req: ({ query: _query, ...request }: LoggedRequest) => ({ ...request, url: redactTicket(request.url) }),
    },
  },
};

@Module({ imports: [LoggerModule.forRoot(logging), NotificationsModule.forRoot({ isGlobal: true, access: 'public' })] })
export class AppModule {}
