/**
 * The key of the caller of an HTTP request: its subscriber, otherwise the key of its address (see
 * `addressKey`). The key begins with `subscriber` or `address`, so a subscriber whose name is an
 * address has another key than this address.
 */
export function callerKey(subscriber: string | undefined, address: string | undefined): string {
  if (subscriber !== undefined) return `subscriber ${subscriber}`;
  return address === undefined ? 'anonymous' : `address ${address}`;
}
