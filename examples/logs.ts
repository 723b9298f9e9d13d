import type { IncomingMessage } from 'node:http';
import { redactTicket } from 'nest-notifications';

const isFeed = ({ method, url = '' }: IncomingMessage) => method === 'GET' && /^\/notifications\b/.test(url);

/** For pino-http and `LoggerModule.forRoot({ pinoHttp })` of nestjs-pino: polls are not logged. */
export const pinoHttpOptions = { autoLogging: { ignore: isFeed } };

/** For `new HttpInstrumentation(…)` of OpenTelemetry: no span for a poll, no ticket in a span. */
export const httpInstrumentation = {
  ignoreIncomingRequestHook: isFeed,
  startIncomingSpanHook: ({ url = '' }: IncomingMessage) => ({ 'url.query': redactTicket(url).split('?')[1] ?? '' }),
};
