import { Tally } from './tally.js';

/** On whose behalf a slot is taken, and from where. */
export interface SlotOwner {
  readonly subscriber?: string | undefined;
  readonly address?: string | undefined;
}

/**
 * The slots that count towards the limits of the node, a subscriber and an address. A waiter holds one until its last answer has been
 * flushed: an answer that the client does not read takes memory as a waiter does.
 */
export class Slots {
  readonly #subscribers = new Tally();
  readonly #addresses = new Tally();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Addresses with slots. */
  get addresses(): number {
    return this.#addresses.size;
  }

  ofSubscriber(subscriber: string): number {
    return this.#subscribers.of(subscriber);
  }

  ofAddress(address: string): number {
    return this.#addresses.of(address);
  }

  take({ subscriber, address }: SlotOwner): void {
    this.#count++;
    if (subscriber !== undefined) this.#subscribers.add(subscriber);
    if (address !== undefined) this.#addresses.add(address);
  }

  release({ subscriber, address }: SlotOwner): void {
    this.#count--;
    if (subscriber !== undefined) this.#subscribers.remove(subscriber);
    if (address !== undefined) this.#addresses.remove(address);
  }
}
