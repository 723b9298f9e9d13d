import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** The format of a write-ahead log: https://sqlite.org/fileformat2.html#walformat */
const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const PAGE_BYTES_AT = 8;
const SALT_AT = 16;
const FRAME_SALT_AT = 8;
const SALT_BYTES = 8;

/** The salt changes whenever the engine begins to overwrite the file from its start. */
export interface Salts {
  /** The salt of the frames that are valid. */
  readonly valid: string;
  /** The salt of the last frame. If it differs, the frame is left over and not yet overwritten. */
  readonly last: string;
}

/**
 * Reads the salts of a write-ahead log. The engine has no locks on this file, so closing it here
 * releases none.
 */
export function saltsOf(path: string): Salts {
  const file = openSync(path, 'r');
  try {
    const header = bytesAt(file, 0, HEADER_BYTES);
    const frameBytes = FRAME_HEADER_BYTES + header.readUInt32BE(PAGE_BYTES_AT);
    const frames = Math.floor((fstatSync(file).size - HEADER_BYTES) / frameBytes);
    const valid = header.toString('hex', SALT_AT, SALT_AT + SALT_BYTES);
    if (frames < 1) return { valid, last: valid };
    const lastAt = HEADER_BYTES + (frames - 1) * frameBytes;
    return { valid, last: bytesAt(file, lastAt + FRAME_SALT_AT, SALT_BYTES).toString('hex') };
  } finally {
    closeSync(file);
  }
}

/** The bytes at an offset, with zeros after the end of the file. */
function bytesAt(file: number, at: number, count: number): Buffer {
  const bytes = Buffer.alloc(count);
  readSync(file, bytes, 0, count, at);
  return bytes;
}
