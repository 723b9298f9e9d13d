import { fileURLToPath } from 'node:url';
import { bundleClient } from '../../scripts/bundle-client.mjs';

/** Replaces src/nest/client-file/bundled-client.ts as the build does, from the sources: a test needs no build. */
export function bundledClient(): string {
  return bundleClient(fileURLToPath(new URL('../../src', import.meta.url)));
}
