import type { LoggerService } from '@nestjs/common';
import type { FastifyBaseLogger } from 'fastify';

/** The messages of an application and its framework at the levels warn and error. */
export type Logs = string[];

/** Nest's logger. */
export function nestLogger(logs: Logs): LoggerService {
  const ignore = (): void => undefined;
  const record =
    (level: string) =>
    (...parts: unknown[]): void => {
      logs.push([level, ...parts.map(show)].join(' '));
    };
  return { log: ignore, debug: ignore, verbose: ignore, warn: record('warn'), error: record('error') };
}

/** Fastify's logger. Fastify reports a second answer only in its log. */
export function fastifyLogger(logs: Logs): FastifyBaseLogger {
  const ignore = (): void => undefined;
  const record =
    (level: string) =>
    (...parts: unknown[]): void => {
      logs.push(['fastify', level, ...parts.map(show)].join(' '));
    };
  const logger = {
    level: 'warn',
    silent: ignore,
    trace: ignore,
    debug: ignore,
    info: ignore,
    warn: record('warn'),
    error: record('error'),
    fatal: record('fatal'),
    child: (): FastifyBaseLogger => logger,
  } as FastifyBaseLogger;
  return logger;
}

function show(value: unknown): string {
  if (value instanceof Error) return brief(value);
  if (typeof value !== 'object' || value === null) return String(value);
  const { err } = value as { err?: Error };
  return err ? brief(err) : '{…}';
}

function brief(error: Error): string {
  return (error.stack ?? error.message).split('\n', 4).join('\n');
}
