/**
 * The key of the caller of an HTTP request: its subscriber, otherwise the key of its address (see
 * `addressKey`). The kind is the first word, so a subscriber whose name is an address differs from
 * that address.
 */
export function callerKey(subscriber: string | undefined, address: string | undefined): string {
  if (subscriber !== undefined) return `subscriber ${subscriber}`;
  return address === undefined ? 'anonymous' : `address ${address}`;
}
