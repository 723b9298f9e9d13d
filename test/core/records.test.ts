import { describe, expect, test } from '@jest/globals';
import {
  isRecord,
  type LogSize,
  RECORD_BYTES_MAX,
  RECORDS_MAX,
  resized,
  retainedSize,
} from '../../src/core/records.js';

const EMPTY: LogSize = { count: 0, bytes: 0, records: 0, recordBytes: 0 };

describe('the size of a log', () => {
  test('a record is an entry on a topic that begins with $', () => {
    expect(['$revocations.x', '$', 'orders', 'a$', ''].map((topic) => isRecord({ topic }))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  test('counts records separately, when they are added and removed', () => {
    const note = { topic: 'orders', bytes: 10 };
    const record = { topic: '$revocations.x', bytes: 7 };
    const size = resized(resized(EMPTY, note, 1), record, 1);
    expect(size).toEqual({ count: 2, bytes: 17, records: 1, recordBytes: 7 });
    expect(retainedSize(size)).toEqual({ count: 1, bytes: 10 });
    expect(resized(resized(size, note, -1), record, -1)).toEqual(EMPTY);
  });

  test('records above their limit count as notifications', () => {
    expect(retainedSize({ ...EMPTY, count: RECORDS_MAX + 8, records: RECORDS_MAX + 3 })).toEqual({
      count: 8,
      bytes: 0,
    });
    expect(retainedSize({ ...EMPTY, bytes: RECORD_BYTES_MAX + 9, recordBytes: RECORD_BYTES_MAX + 4 })).toEqual({
      count: 0,
      bytes: 9,
    });
  });
});
