import type { Epoch, PastEpoch } from '../../core/store.js';
import { newEpoch } from '../shared/epoch.js';
import type { Command, Row, Writer } from './engine.js';
import { ADD_PAST_EPOCH, REMOVE_PAST_EPOCHS, RENEW_EPOCH } from './sql/statements.sql.js';

/** Writes the epoch of the log and the epochs before it. Used under the write lock only. */
export class EpochWriter {
  readonly #commands: Readonly<Record<'renew' | 'remove' | 'add', Command>>;

  private constructor(commands: Readonly<Record<'renew' | 'remove' | 'add', Command>>) {
    this.#commands = commands;
  }

  static async prepare(writer: Writer): Promise<EpochWriter> {
    return new EpochWriter({
      renew: await writer.prepare(RENEW_EPOCH),
      remove: await writer.prepare(REMOVE_PAST_EPOCHS),
      add: await writer.prepare(ADD_PAST_EPOCH),
    });
  }

  renew(before: readonly PastEpoch[]): Epoch {
    const epoch = { ...newEpoch(), before };
    this.#commands.renew(epoch.id, epoch.secret);
    this.#commands.remove();
    for (const [at, { id, secret, upTo, lost }] of before.entries()) {
      this.#commands.add(at, id, secret, upTo, lost ? 1 : 0);
    }
    return epoch;
  }
}

/** The epoch in a row of `READ_LOG`. The row also holds the past epochs. */
export function epochOf({ epochId, epochSecret, past }: Row): Epoch {
  const before = JSON.parse(past as string) as (Omit<PastEpoch, 'lost'> & { readonly lost: number })[];
  return {
    id: epochId as string,
    secret: epochSecret as string,
    ...(before.length > 0 && { before: before.map((one) => ({ ...one, lost: one.lost === 1 })) }),
  };
}
