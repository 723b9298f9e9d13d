import { expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { bundleClient, bundlePage } from '../../scripts/bundle-client.mjs';

const sources = fileURLToPath(new URL('../../src', import.meta.url));
const gzipped = (text: string): number => gzipSync(text, { level: 9 }).length;

test.each([
  ['client', 7.1 * 1024],
  ['tabs', 2.95 * 1024],
  ['inboxElement', 18.2 * 1024],
] as const)('the script `%s` has at most %d bytes, minified and compressed, and no imports', (name, maxBytes) => {
  const text = bundleClient(sources)[name];
  expect(gzipped(text)).toBeGreaterThan(1_000);
  expect(gzipped(text)).toBeLessThanOrEqual(maxBytes);
  expect(text).not.toMatch(/\bimport\b|\brequire\b|node:/);
});

test.each([
  ['script', 12 * 1024],
  ['style', 3.25 * 1024],
  ['html', 0.5 * 1024],
] as const)(
  'the %s of the inspector has at most %d bytes, minified and compressed, and no imports',
  (name, maxBytes) => {
    const text = bundlePage(sources)[name];
    expect(gzipped(text)).toBeGreaterThan(300);
    expect(gzipped(text)).toBeLessThanOrEqual(maxBytes);
    expect(text).not.toMatch(/\bimport\b(?!\.meta)|\brequire\b|node:/);
  },
);

test('the styles of the element are minified', () => {
  expect(bundleClient(sources).inboxElement).toMatch(/`:host\{--_back:[^`\n]+`/);
});

test('the client of the inbox adds at most 5 KB to the client', async () => {
  const options = { bundle: true, minify: true, format: 'esm', target: 'es2022', write: false } as const;
  const sizeOf = async (contents: string): Promise<number> => {
    const { outputFiles } = await build({ stdin: { contents, resolveDir: sources }, ...options });
    return gzipped(outputFiles[0]?.text ?? '');
  };
  const client = `export * from './client/index';`;
  const added = (await sizeOf(`${client} export * from './client/inbox/index';`)) - (await sizeOf(client));
  expect(added).toBeGreaterThan(1_000);
  expect(added).toBeLessThanOrEqual(5 * 1024);
});

test('a bundler removes the parts that an application does not use', async () => {
  const contents = `import { cursorIn } from './client/index'; console.log(cursorIn)`;
  const options = { bundle: true, minify: true, format: 'esm', target: 'es2022', write: false } as const;
  const { outputFiles } = await build({ stdin: { contents, resolveDir: sources }, ...options });
  expect(gzipped(outputFiles[0]?.text ?? '')).toBeLessThan(300);
});
