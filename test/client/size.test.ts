import { expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const entry = fileURLToPath(new URL('../../src/client/index.ts', import.meta.url));

/** The client as a page gets it. */
async function bundled(contents: string): Promise<{ bytes: number; text: string }> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    logLevel: 'silent',
  });
  const text = outputFiles[0]?.text ?? '';
  return { bytes: gzipSync(text, { level: 9 }).length, text };
}

test('the client has at most 6 KB, minified and compressed, and imports nothing', async () => {
  const { bytes, text } = await bundled(`export * from ${JSON.stringify(entry)}`);
  expect(bytes).toBeGreaterThan(1_000);
  expect(bytes).toBeLessThanOrEqual(6 * 1024);
  expect(text).not.toMatch(/\bimport\b|\brequire\b|node:/);
});

test('what is not used of it is left out', async () => {
  const { bytes } = await bundled(`import { cursorIn } from ${JSON.stringify(entry)}; console.log(cursorIn)`);
  expect(bytes).toBeLessThan(300);
});
