import { callerKey } from '../../../src/wire/caller.js';
import { scopedItems } from '../../../src/wire/idempotency.js';

/**
 * The id under which a node appends what a client on loopback, without a subscriber, publishes with
 * an id of its own.
 */
export function derivedId(topic: string, id: string): string {
  const { named } = scopedItems([{ topic, type: 'any', id }], callerKey(undefined, '127.0.0.1'), undefined);
  return named[0]!;
}
