import type { LogEntry } from './notification.js';
import { RESERVED_TOPIC_PREFIX } from './revocation.js';

/**
 * The share of a log that is reserved for the library's own records. The bound assumes fewer
 * than 100,000 revocations within a log's retention. 16 MiB allow about 160 bytes for each of them.
 * Records beyond either bound count like notifications.
 */
export const RECORDS_MAX = 100_000;
export const RECORD_BYTES_MAX = 16 * 1024 * 1024;

/** The size of a log, or of a part of it. */
export interface LogSize {
  /** Entries of all kinds. */
  readonly count: number;
  readonly bytes: number;
  /** The library's records among these entries. */
  readonly records: number;
  readonly recordBytes: number;
}

/** Whether an entry is a record of the library, not a notification. */
export function isRecord({ topic }: Pick<LogEntry, 'topic'>): boolean {
  return topic.startsWith(RESERVED_TOPIC_PREFIX);
}

/** The count and bytes that retention compares with its bounds. */
export function retainedSize({ count, bytes, records, recordBytes }: LogSize): Pick<LogSize, 'count' | 'bytes'> {
  return { count: count - Math.min(records, RECORDS_MAX), bytes: bytes - Math.min(recordBytes, RECORD_BYTES_MAX) };
}

/** The size after an entry was added (`sign` 1) or removed (`sign` -1). */
export function resized(size: LogSize, entry: Pick<LogEntry, 'topic' | 'bytes'>, sign: 1 | -1): LogSize {
  const { bytes } = entry;
  const record = isRecord(entry) ? sign : 0;
  return {
    count: size.count + sign,
    bytes: size.bytes + sign * bytes,
    records: size.records + record,
    recordBytes: size.recordBytes + record * bytes,
  };
}
