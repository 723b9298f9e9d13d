import { fileURLToPath } from 'node:url';
import { bundleClient } from '../../scripts/bundle-client.mjs';
import type { ClientScripts } from '../../src/nest/client-file/bundled-client.js';

/**
 * Bundles the client from the sources, and replaces src/nest/bundled-client.ts, so tests need no
 * build.
 */
export function bundledClient(): ClientScripts {
  return bundleClient(fileURLToPath(new URL('../../src', import.meta.url)));
}
