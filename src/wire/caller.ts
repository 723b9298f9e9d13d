/**
 * One text per caller of an HTTP request: its subscriber, or else the key of its address (see `addressKey`). The kind comes
 * first, so that a subscriber whose name is an address is not that address.
 */
export function callerKey(subscriber: string | undefined, address: string | undefined): string {
  if (subscriber !== undefined) return `subscriber ${subscriber}`;
  return address === undefined ? 'anonymous' : `address ${address}`;
}
