import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { loadavg } from 'node:os';
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { NotificationsService } from '../index.js';

/** The notification types of this application. TypeScript checks `publish` against them. */
export interface DemoNotifications {
  'system.pulse': { 'process.sample': ProcessSample };
}

/** Load, delays and memory of this process. */
export interface ProcessSample {
  /** Over one minute, as the operating system counts it. */
  readonly loadAverage: number;
  /** The delay of timers since the last sample. */
  readonly eventLoopDelayMs: { readonly mean: number; readonly p99: number; readonly max: number };
  readonly memoryMiB: { readonly rss: number; readonly heapUsed: number };
  readonly uptimeSeconds: number;
  /** Held polls and open streams. */
  readonly waiters: number;
}

/** Injection token of the time between two samples in milliseconds; 0 for none. */
export const PULSE_EVERY_MS = Symbol('pulse every ms');

const MIB = 1024 * 1024;
const NS_PER_MS = 1e6;
/**
 * The interval between two measurements of the delay. The histogram includes this interval, so it
 * is subtracted.
 */
const RESOLUTION_MS = 10;

/** Publishes a sample of the running process at fixed intervals: real data for the page. */
@Injectable()
export class PulseSource implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #service: NotificationsService<DemoNotifications>;
  readonly #everyMs: number;
  readonly #logger = new Logger(PulseSource.name);
  readonly #delay: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #timer: NodeJS.Timeout | undefined;
  #publishing = false;
  #failing = false;

  constructor(
    @Inject(NotificationsService) service: NotificationsService<DemoNotifications>,
    @Inject(PULSE_EVERY_MS) everyMs: number,
  ) {
    this.#service = service;
    this.#everyMs = everyMs;
  }

  onApplicationBootstrap(): void {
    if (this.#everyMs === 0) return;
    this.#delay.enable();
    this.#timer = setInterval(() => void this.#publish(), this.#everyMs);
    this.#timer.unref();
  }

  beforeApplicationShutdown(): void {
    clearInterval(this.#timer);
    this.#delay.disable();
  }

  /** Logs a failing store once, not at every sample. Skips a sample while the store is slow. */
  async #publish(): Promise<void> {
    if (this.#publishing) return;
    this.#publishing = true;
    try {
      await this.#service.publish('system.pulse', { type: 'process.sample', data: this.#sample() });
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#logger.error('The sample could not be published; the next one is tried.', error);
      this.#failing = true;
    } finally {
      this.#publishing = false;
    }
  }

  #sample(): ProcessSample {
    const { rss, heapUsed } = process.memoryUsage();
    const { mean, max } = this.#delay;
    const eventLoopDelayMs = {
      mean: delayMs(mean),
      p99: delayMs(this.#delay.percentile(99)),
      max: delayMs(max),
    };
    this.#delay.reset();
    return {
      loadAverage: rounded(loadavg()[0] ?? 0, 2),
      eventLoopDelayMs,
      memoryMiB: { rss: rounded(rss / MIB, 1), heapUsed: rounded(heapUsed / MIB, 1) },
      uptimeSeconds: rounded(process.uptime(), 1),
      waiters: this.#service.counts().waiters,
    };
  }
}

/**
 * If two samples are closer than the resolution, the histogram is empty and its mean is NaN.
 */
function delayMs(recordedNs: number): number {
  return Number.isFinite(recordedNs) ? rounded(Math.max(0, recordedNs / NS_PER_MS - RESOLUTION_MS), 2) : 0;
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
