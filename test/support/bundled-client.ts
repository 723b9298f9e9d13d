import { fileURLToPath } from 'node:url';
import { bundleClient } from '../../scripts/bundle-client.mjs';

/** Takes the place of src/nest/bundled-client.ts, which reads what the build has made: in tests there may be none, or an old one. */
export async function readBundledClient(): Promise<string> {
  return bundleClient(fileURLToPath(new URL('../../src', import.meta.url)));
}
