import { type Cipher, createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { LRUCache } from 'lru-cache';
import { type LogPosition, NOWHERE, positionIn } from '../core/page.js';
import type { Epoch } from '../core/store.js';
import { type KeyedEpoch, Keys } from './keys.js';

const TAG_BYTES = 7;
const BLOCK_BYTES = 16;
const CRC_BYTES = 4;
/** Cursors in the cache of opened cursors, about 200 KiB. */
const OPENED_MAX = 1_000;
const CRC_AT = TAG_BYTES + BLOCK_BYTES;
const CURSOR_BYTES = CRC_AT + CRC_BYTES;
export const CURSOR_LENGTH = 36;
/**
 * 27 bytes fill 36 characters of base64url exactly. No bit is unused, so each cursor has exactly
 * one text.
 */
const CURSOR_PATTERN = /^[A-Za-z0-9_-]{36}$/;

/**
 * Seals and opens the cursors of clients: 36 characters of base64url.
 *
 * epoch tag (7 bytes) | one AES-128 block (16): nonce (4) position (7) zeros (5) | CRC-32 of all
 * bytes before it (4)
 *
 * - The position is encrypted. All topics share one log, and a client must not see how fast it
 *   grows. The nonce makes every cursor different, so comparing cursors reveals nothing. Only the
 *   cursors of `sealStable` repeat. They depend on one notification alone.
 * - The zeros authenticate the block. A changed block decrypts to random bytes. The probability
 *   that these bytes are zeros is 1 in 2^40.
 * - The tag is readable without the secret. If a log and its secret are lost, its cursors are still
 *   recognised and answered with a gap. The CRC distinguishes them from mistyped cursors. A client
 *   that forges the tag and the CRC gets a gap and the oldest page. A read from `earliest` returns
 *   the same page.
 */
export class Cursors {
  readonly #keys: Keys;
  #epoch: Epoch | undefined;
  /**
   * The sealers of this epoch and of the earlier epochs that it continues, one for each key. The
   * first one seals new cursors. All of them can open a cursor.
   */
  #sealers: readonly Sealer[] = [];
  /**
   * The positions of opened cursors. Clients that received the same page send the same cursor next.
   */
  readonly #opened = new LRUCache<string, LogPosition>({ max: OPENED_MAX });

  constructor(keys = new Keys()) {
    this.#keys = keys;
  }

  seal(epoch: Epoch, position: number): string {
    return this.#sealerOf(epoch).seal(position);
  }

  /**
   * A cursor directly after or before a notification. Every call on every node returns the same
   * text.
   */
  sealStable(epoch: Epoch, position: number, side: 'after' | 'before'): string {
    return this.#sealerOf(epoch).sealStable(position, side);
  }

  /**
   * The position of a cursor in the log of this epoch. A cursor of an earlier epoch that this epoch
   * continues is valid too, up to the last shared position. `NOWHERE` with `unknownIn` for any
   * other cursor. Undefined if the text is not a cursor.
   */
  open(text: string, epoch: Epoch): LogPosition | undefined {
    const sealers = this.#sealersOf(epoch);
    const known = this.#opened.get(text);
    if (known) return known;
    const opened = open(text, epoch, sealers);
    // Copy the text. It may be a slice of a URL, and then it would keep the whole URL in memory.
    if (opened) this.#opened.set(Buffer.from(text, 'latin1').toString('latin1'), opened);
    return opened;
  }

  #sealerOf(epoch: Epoch): Sealer {
    const [sealer = new Sealer(this.#keys.sealing(epoch))] = this.#sealersOf(epoch);
    return sealer;
  }

  /**
   * A node has one epoch at a time. It keeps the sealers of this epoch, because preparing a key
   * takes longer than sealing a cursor.
   */
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
  // The node may not know the newest epoch yet, to which the cursor may belong.
  const unknown = { ...NOWHERE, unknownIn: epoch.id };
  if (!sealer) return unknown;
  const position = sealer.open(bytes);
  if (position === undefined) return undefined;
  return positionIn(epoch, { epochId: sealer.epochId, position }) ?? unknown;
}

class Sealer {
  readonly epochId: string;
  readonly #tag: Buffer;
  readonly #cipher: Cipher;
  readonly #decipher: ReturnType<typeof createDecipheriv>;
  /** Reused for each cursor: two allocations would cost as much as the cipher. */
  readonly #block = Buffer.alloc(BLOCK_BYTES);
  readonly #bytes = Buffer.alloc(CURSOR_BYTES);
  readonly #checked = this.#bytes.subarray(0, CRC_AT);
  #nonce = randomBytes(4).readUInt32BE();

  constructor(epoch: KeyedEpoch) {
    this.epochId = epoch.id;
    this.#tag = epoch.tag.subarray(0, TAG_BYTES);
    this.#tag.copy(this.#bytes);
    const key = createHash('sha256').update(epoch.secret).digest().subarray(0, 16);
    // ECB encrypts each block alone and keeps no state between calls. It is safe here: a cursor is
    // a single block, and only equal stable cursors have equal blocks.
    this.#cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
    this.#decipher = createDecipheriv('aes-128-ecb', key, null).setAutoPadding(false);
  }

  seal(position: number): string {
    this.#nonce = (this.#nonce + 1) >>> 0;
    return this.#seal(position, this.#nonce);
  }

  /**
   * Cursors before and after a notification use different nonces. Otherwise equal texts would
   * reveal that two notifications are neighbours.
   */
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

  /** The position of a cursor. Undefined if the cursor was changed. */
  open(bytes: Buffer): number | undefined {
    const block = this.#decipher.update(bytes.subarray(TAG_BYTES, TAG_BYTES + BLOCK_BYTES));
    const authentic = block.readUIntBE(11, 5) === 0;
    return authentic ? block.readUIntBE(4, 3) * 2 ** 32 + block.readUInt32BE(7) : undefined;
  }
}
