import { fileURLToPath } from 'node:url';
import { bundlePage } from '../../scripts/bundle-client.mjs';
import type { PageFiles } from '../../src/inspector/page-files.js';

let files: PageFiles | undefined;

/**
 * Bundles the page of the inspector from the sources, and replaces src/inspector/page-files.ts, so
 * tests need no build. A suite that starts many applications bundles once.
 */
export function pageFiles(): PageFiles {
  return (files ??= bundlePage(fileURLToPath(new URL('../../src', import.meta.url))));
}
