import { spawnSync } from 'node:child_process';

let engineUser: { uid: number; gid: number } | undefined;

/** The user for the engine, which refuses to run as root. Undefined if this process is not root. */
export function unprivileged(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  return (engineUser ??= findUser());
}

function findUser(): { uid: number; gid: number } {
  const idOf = (flag: string, user: string): number | undefined => {
    const { status, stdout } = spawnSync('id', [flag, user], { encoding: 'utf8' });
    return status === 0 ? Number(stdout) : undefined;
  };
  const user = idOf('-u', 'postgres') === undefined ? 'nobody' : 'postgres';
  return { uid: idOf('-u', user) ?? 65_534, gid: idOf('-g', user) ?? 65_534 };
}

/**
 * A command that runs the program as that user. `setpriv` becomes the program, so both have one
 * process id.
 */
export function asUser(program: string, args: readonly string[]): string[] {
  const user = unprivileged();
  if (!user) return [program, ...args];
  return ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', program, ...args];
}
