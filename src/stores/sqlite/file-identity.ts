import { accessSync, closeSync, constants, openSync, statSync } from 'node:fs';

/** Only the user of the process may read notifications and the secret of the cursors. */
const MODE = 0o600;

/**
 * Creates an empty file if there is none. It does not open an existing file: to close that would
 * release the locks that the engine has on it in this process.
 */
export function createFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', MODE));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    // The engine would open a read-only file, and never write to it again in this process.
    accessSync(path, constants.W_OK);
  }
}

/**
 * The identity of the file at a path: inode and time of birth. File systems without a time of birth
 * report the time of the last change instead; it is then omitted.
 */
export function fileIdentity(path: string): string {
  const { ino, birthtimeMs, ctimeMs } = statSync(path);
  return `${ino}:${birthtimeMs === ctimeMs ? '' : birthtimeMs}`;
}

/** The inode at a path; none if there is no file. It is cheap to read. */
export function inodeAt(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

/** Whether two identities can be of one file. */
export function sameFile(one: string, other: string): boolean {
  const [oneInode, oneBirth] = one.split(':');
  const [otherInode, otherBirth] = other.split(':');
  return oneInode === otherInode && (!oneBirth || !otherBirth || oneBirth === otherBirth);
}
