import { accessSync, closeSync, constants, openSync, statSync } from 'node:fs';

/** Only the user of the process may read what is published, and the secret of the cursors. */
const MODE = 0o600;

/**
 * Makes an empty file if there is none. Not by opening the one that is there: closing it again would drop the locks that
 * this process holds on it through the engine.
 */
export function createFile(path: string): void {
  try {
    closeSync(openSync(path, 'wx', MODE));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    // The engine would open one that it may only read, and could not write to it in this process ever after, when it may again.
    accessSync(path, constants.W_OK);
  }
}

/**
 * Tells one file from another that has taken its path: inode and time of birth. File systems that do not know the birth
 * report the time of the last change instead; it is then left out.
 */
export function fileIdentity(path: string): string {
  const { ino, birthtimeMs, ctimeMs } = statSync(path);
  return `${ino}:${birthtimeMs === ctimeMs ? '' : birthtimeMs}`;
}

/** The inode at a path; none if there is no file. Cheap enough to ask again and again. */
export function inodeAt(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

/** Whether two identities can be of one file. */
export function sameFile(one: string, other: string): boolean {
  const [oneInode, oneBirth] = one.split(':');
  const [otherInode, otherBirth] = other.split(':');
  return oneInode === otherInode && (!oneBirth || !otherBirth || oneBirth === otherBirth);
}
