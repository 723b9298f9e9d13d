import { callerKey } from '../../../src/wire/caller.js';
import { scopedItems } from '../../../src/wire/idempotency.js';

/**
 * The derived id of a notification. Its publisher is on loopback, has no subscriber, and gave the
 * id itself.
 */
export function derivedId(topic: string, id: string): string {
  const { named } = scopedItems([{ topic, type: 'any', id }], callerKey(undefined, '127.0.0.1'), undefined);
  return named[0]!;
}
