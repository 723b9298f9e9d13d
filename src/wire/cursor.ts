import { type Cipher, createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { type LogPosition, NOWHERE, positionIn } from '../core/page.js';
import type { Epoch } from '../core/store.js';
import { type KeyedEpoch, Keys } from './keys.js';

const TAG_BYTES = 7;
const BLOCK_BYTES = 16;
const CRC_BYTES = 4;
/** Cursors remembered: some 200 KiB. */
const OPENED_MAX = 1_000;
const CRC_AT = TAG_BYTES + BLOCK_BYTES;
const CURSOR_BYTES = CRC_AT + CRC_BYTES;
export const CURSOR_LENGTH = 36;
/** 27 bytes fill 36 characters of base64url exactly: no bit is spare, so no two texts mean the same cursor. */
const CURSOR_PATTERN = /^[A-Za-z0-9_-]{36}$/;

/**
 * Cursors as clients hold them: 36 characters of base64url.
 *
 *     epoch tag (7 bytes) | one AES-128 block (16): nonce (4) position (7) zeros (5) | CRC-32 of all before (4)
 *
 * - The position is encrypted: all topics share one log, and a client must not see how fast it grows. With the nonce no two cursors are
 *   equal, so comparing them says nothing either. The exceptions depend on one notification alone: `sealStable`.
 * - The zeros authenticate: a changed block decrypts to noise, which passes for zeros once in 2^40.
 * - The tag is readable without the secret, so that a cursor of a log that is gone, secret and all, is known for what it is
 *   and answered with a gap. The CRC tells it from a mistyped one. Who forges both gets a gap: what `earliest` answers too.
 */
export class Cursors {
  readonly #keys: Keys;
  #epoch: Epoch | undefined;
  /** The first seals, all of them open: one for each key, of this epoch and of those before a failover. */
  #sealers: readonly Sealer[] = [];
  /** Positions of cursors: clients that were answered together come back with one cursor, all of them at the same time. */
  readonly #opened = new Map<string, LogPosition>();

  constructor(keys = new Keys()) {
    this.#keys = keys;
  }

  seal(epoch: Epoch, position: number): string {
    return this.#sealerOf(epoch).seal(position);
  }

  /** A cursor right after a notification, or right before it; the same text on every call and on every node. */
  sealStable(epoch: Epoch, position: number, side: 'after' | 'before'): string {
    return this.#sealerOf(epoch).sealStable(position, side);
  }

  /**
   * The position of a cursor in the log of this epoch, also for a cursor of a past epoch that this one continues;
   * `NOWHERE` for a cursor of another log; undefined if the text is no cursor.
   */
  open(text: string, epoch: Epoch): LogPosition | undefined {
    const sealers = this.#sealersOf(epoch);
    const known = this.#opened.get(text);
    if (known) return known;
    const opened = open(text, epoch, sealers);
    if (this.#opened.size >= OPENED_MAX) this.#opened.clear();
    // A copy: the text may be a slice of a URL, and would keep all of it in memory.
    if (opened) this.#opened.set(Buffer.from(text, 'latin1').toString('latin1'), opened);
    return opened;
  }

  #sealerOf(epoch: Epoch): Sealer {
    const [sealer = new Sealer(this.#keys.sealing(epoch))] = this.#sealersOf(epoch);
    return sealer;
  }

  /** A node has one epoch at a time. Its sealers are kept, because a key schedule costs more than a cursor. */
  #sealersOf(epoch: Epoch): readonly Sealer[] {
    if (this.#epoch?.id !== epoch.id) {
      const epochs = [epoch, ...(epoch.before ?? [])].flatMap((one) => this.#keys.of(one));
      this.#sealers = epochs.map((one) => new Sealer(one));
      this.#opened.clear();
    }
    this.#epoch = epoch;
    return this.#sealers;
  }
}

function open(text: string, epoch: Epoch, sealers: readonly Sealer[]): LogPosition | undefined {
  if (!CURSOR_PATTERN.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  if (crc32(bytes.subarray(0, CRC_AT)) !== bytes.readUInt32BE(CRC_AT)) return undefined;
  const sealer = sealers.find((one) => one.sealed(bytes));
  if (!sealer) return { ...NOWHERE, unknownIn: epoch.id };
  const position = sealer.open(bytes);
  if (position === undefined) return undefined;
  return positionIn(epoch, { epochId: sealer.epochId, position }) ?? NOWHERE;
}

class Sealer {
  readonly epochId: string;
  readonly #tag: Buffer;
  readonly #cipher: Cipher;
  readonly #decipher: ReturnType<typeof createDecipheriv>;
  /** Written anew for each cursor: two allocations would cost as much as the cipher does. */
  readonly #block = Buffer.alloc(BLOCK_BYTES);
  readonly #bytes = Buffer.alloc(CURSOR_BYTES);
  readonly #checked = this.#bytes.subarray(0, CRC_AT);
  #nonce = randomBytes(4).readUInt32BE();

  constructor(epoch: KeyedEpoch) {
    this.epochId = epoch.id;
    this.#tag = epoch.tag.subarray(0, TAG_BYTES);
    this.#tag.copy(this.#bytes);
    const key = createHash('sha256').update(epoch.secret).digest().subarray(0, 16);
    // Single blocks that never repeat: ECB is the bare permutation that this needs, and keeps no state between calls.
    this.#cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
    this.#decipher = createDecipheriv('aes-128-ecb', key, null).setAutoPadding(false);
  }

  seal(position: number): string {
    this.#nonce = (this.#nonce + 1) >>> 0;
    return this.#seal(position, this.#nonce);
  }

  /** Each side has a nonce of its own: otherwise equal texts would say that two notifications are neighbours. */
  sealStable(position: number, side: 'after' | 'before'): string {
    return side === 'after' ? this.#seal(position, 0) : this.#seal(position - 1, 1);
  }

  #seal(position: number, nonce: number): string {
    const block = this.#block;
    const bytes = this.#bytes;
    block.writeUInt32BE(nonce, 0);
    block.writeUIntBE(Math.floor(position / 2 ** 32), 4, 3);
    block.writeUInt32BE(position % 2 ** 32, 7);
    this.#cipher.update(block).copy(bytes, TAG_BYTES);
    bytes.writeUInt32BE(crc32(this.#checked), CRC_AT);
    return bytes.toString('base64url');
  }

  /** Whether a cursor names the epoch of this sealer. */
  sealed(bytes: Buffer): boolean {
    return bytes.subarray(0, TAG_BYTES).equals(this.#tag);
  }

  /** Undefined for a cursor that was changed. */
  open(bytes: Buffer): number | undefined {
    const block = this.#decipher.update(bytes.subarray(TAG_BYTES, TAG_BYTES + BLOCK_BYTES));
    const authentic = block.readUIntBE(11, 5) === 0;
    return authentic ? block.readUIntBE(4, 3) * 2 ** 32 + block.readUInt32BE(7) : undefined;
  }
}
