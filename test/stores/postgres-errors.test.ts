import { describe, expect, test } from '@jest/globals';
import { endsConnection, isLogChanged, sqlStateOf } from '../../src/stores/postgres/errors.js';

const withCode = (code: string): Error => Object.assign(new Error('failed'), { code });

describe('an error of the PostgreSQL client', () => {
  test.each(['EPIPE', 'EPERM', 'EBADF', 'ECONNRESET', 'ETIMEDOUT'])('ends the connection with the code %s', (code) => {
    expect(sqlStateOf(withCode(code))).toBeUndefined();
    expect(endsConnection(withCode(code))).toBe(true);
  });

  test.each(['0A000', '22023', '23505', '2BP01', '3D000', '3F000', '42P01', 'P0002', 'F0000', 'HV000'])(
    'keeps the connection with the state %s',
    (code) => {
      expect(sqlStateOf(withCode(code))).toBe(code);
      expect(endsConnection(withCode(code))).toBe(false);
    },
  );

  test.each(['08006', '25006', '57P01', '58030', 'XX000'])('ends the connection with the state %s', (code) => {
    expect(sqlStateOf(withCode(code))).toBe(code);
    expect(endsConnection(withCode(code))).toBe(true);
  });

  test.each(['42P01', '42883', '3F000', 'P0002'])('means a changed log with the state %s', (code) => {
    expect(isLogChanged(withCode(code))).toBe(true);
  });
});
