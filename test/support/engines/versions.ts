import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

const CACHE = resolve('node_modules', '.cache', 'engines');

/** A version of an engine. */
export interface EngineVersion {
  /** The name of the version in scripts/engines.mjs. */
  readonly name: string;
  /** Path of the program, or its name on the PATH. */
  readonly binary: string;
  /** Why tests on this version are skipped. */
  readonly missing?: string | undefined;
}

/**
 * A version that scripts/engines.mjs installs. The tests on it are optional, so a missing one is
 * reported and never an error.
 */
export function otherVersionOf(program: string, name: string): EngineVersion {
  const binary = resolve(CACHE, name, 'bin', program);
  if (existsSync(binary)) return { name, binary };
  const missing = `${name} is not installed (node scripts/engines.mjs ${name})`;
  console.warn(`skipped: ${missing}`);
  return { name, binary, missing };
}
