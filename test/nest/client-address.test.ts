import { describe, expect, test } from '@jest/globals';
import { clientAddress } from '../../src/nest/access/client-address.js';
import type { NotificationsOptions } from '../../src/nest/options.js';

/** A request on a connection from an address. */
function from(remoteAddress: string | undefined, forwardedFor?: string, ip?: string) {
  const headers = { ...(forwardedFor !== undefined && { 'x-forwarded-for': forwardedFor }) };
  return { method: 'GET', url: '/', originalUrl: '/', headers, socket: { remoteAddress }, ...(ip && { ip }) } as never;
}

describe('without trustProxy', () => {
  const addressOf = clientAddress(undefined);

  test('uses the address that the framework determines', () => {
    expect(addressOf(from('10.0.0.1', '1.1.1.1', '2.2.2.2'))).toBe('2.2.2.2');
  });

  test('uses the address of the connection if the adapter determines none', () => {
    expect(addressOf(from('10.0.0.1', '1.1.1.1'))).toBe('10.0.0.1');
  });
});

describe('with trustProxy', () => {
  test.each<[trust: NotificationsOptions['trustProxy'], forwardedFor: string | undefined, address: string]>([
    [1, undefined, '10.0.0.1'],
    [1, '2.2.2.2', '2.2.2.2'],
    [1, '1.1.1.1, 2.2.2.2', '2.2.2.2'],
    [2, '1.1.1.1, 2.2.2.2, 10.0.0.2', '2.2.2.2'],
    ['10.0.0.0/8', '1.1.1.1, 2.2.2.2, 10.0.0.2', '2.2.2.2'],
    ['loopback, uniquelocal', '1.1.1.1, 2.2.2.2', '2.2.2.2'],
    [['loopback'], '2.2.2.2', '10.0.0.1'],
    [['10.0.0.1'], '1.1.1.1, not an address', 'not an address'],
    [1, '2.2.2.2:5555', '2.2.2.2'],
    [1, '1.1.1.1, 2001:db8:1:2::9', '2001:db8:1:2::/64'],
  ])('%j, a request forwarded for %j is counted for %s', (trust, forwardedFor, address) => {
    expect(clientAddress(trust)(from('10.0.0.1', forwardedFor))).toBe(address);
  });

  test('ignores the addresses that a client writes into the header', () => {
    const addressOf = clientAddress(['10.0.0.1']);
    const counted = ['1.1.1.1', '3.3.3.3', 'x', ''].map((forged) => addressOf(from('10.0.0.1', `${forged}, 2.2.2.2`)));
    expect(new Set(counted)).toEqual(new Set(['2.2.2.2']));
  });

  test('returns no address for a closed connection', () => {
    expect(clientAddress(1)(from(undefined, '1.1.1.1'))).toBeUndefined();
  });

  test.each([0, -1, 1.5, 11, true, '', 'proxy.example', [], ['10.0.0.0/99'], {}, null])(
    '%j is not allowed',
    (trust) => {
      expect(() => clientAddress(trust as never)).toThrow(/option trustProxy is .*; it must be a number of proxies/);
    },
  );
});
