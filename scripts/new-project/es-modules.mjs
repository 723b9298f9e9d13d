import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Converts a project of Nest 11 to ES modules, as the documents of TypeScript and ts-jest show. */
export function toESModules(path) {
  for (const folder of ['src', 'test']) {
    for (const name of readdirSync(join(path, folder)).filter((file) => file.endsWith('.ts'))) {
      const file = join(path, folder, name);
      const text = readFileSync(file, 'utf8');
      writeFileSync(file, text.replace(/from '(\.[^']*)';/g, "from '$1.js';"));
    }
  }
  const file = join(path, 'package.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8'));
  manifest.type = 'module';
  manifest.scripts.test = 'node --experimental-vm-modules node_modules/jest/bin/jest.js';
  manifest.jest.extensionsToTreatAsEsm = ['.ts'];
  manifest.jest.moduleNameMapper = { '^(\\.{1,2}/.*)\\.js$': '$1' };
  manifest.jest.transform = { '^.+\\.ts$': ['ts-jest', { useESM: true }] };
  writeFileSync(file, JSON.stringify(manifest, undefined, 2));
}
