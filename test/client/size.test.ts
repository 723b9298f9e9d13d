import { expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { bundleClient } from '../../scripts/bundle-client.mjs';

const sources = fileURLToPath(new URL('../../src', import.meta.url));
const gzipped = (text: string): number => gzipSync(text, { level: 9 }).length;

test('the client has at most 8 KB, minified and compressed, and imports nothing', () => {
  const text = bundleClient(sources);
  expect(gzipped(text)).toBeGreaterThan(1_000);
  expect(gzipped(text)).toBeLessThanOrEqual(8 * 1024);
  expect(text).not.toMatch(/\bimport\b|\brequire\b|node:/);
});

test('what is not used of it is left out', async () => {
  const contents = `import { cursorIn } from './client/index'; console.log(cursorIn)`;
  const options = { bundle: true, minify: true, format: 'esm', target: 'es2022', write: false } as const;
  const { outputFiles } = await build({ stdin: { contents, resolveDir: sources }, ...options });
  expect(gzipped(outputFiles[0]?.text ?? '')).toBeLessThan(300);
});
