import { accessSync, closeSync, constants, openSync, type Stats, statSync } from 'node:fs';

/** Only the user of the process may read notifications and the secret of the cursors. */
const MODE = 0o600;

/**
 * Creates an empty file if there is none. An existing file is not opened: closing it would release
 * the locks that the engine has on the file in this process.
 */
export function createFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', MODE));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    // The engine would open a read-only file. This process could then never write to the file
    // again.
    accessSync(path, constants.W_OK);
  }
}

/**
 * The identity of the file at a path: inode and creation time. Some file systems have no creation
 * time and report the time of the last change instead. That time is omitted.
 */
export function fileIdentity(path: string): string {
  return identityOf(statSync(path));
}

/** True if the path still has this file. A new file may have the inode of a removed one. */
export function hasFile(path: string, identity: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats !== undefined && sameFile(identity, identityOf(stats));
}

function identityOf({ ino, birthtimeMs, ctimeMs }: Stats): string {
  return `${ino}:${birthtimeMs === ctimeMs ? '' : birthtimeMs}`;
}

/** The inode at a path, or undefined if there is no file. It is cheap to read. */
export function inodeAt(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

/** True if both identities can belong to the same file. */
export function sameFile(one: string, other: string): boolean {
  const [oneInode, oneBirth] = one.split(':');
  const [otherInode, otherBirth] = other.split(':');
  return oneInode === otherInode && (!oneBirth || !otherBirth || oneBirth === otherBirth);
}
