import { fileURLToPath } from 'node:url';
import { bundleClient } from '../../scripts/bundle-client.mjs';
import type { ClientScripts } from '../../src/nest/client-file/bundled-client.js';

/**
 * Replaces bundled-client.ts of src/nest as the build does, but from the sources, without a build.
 */
export function bundledClient(): ClientScripts {
  return bundleClient(fileURLToPath(new URL('../../src', import.meta.url)));
}
