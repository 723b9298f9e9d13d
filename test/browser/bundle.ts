import { buildSync } from 'esbuild';
import { fileURLToPath } from 'node:url';

/** Bundles a script, as an application with a bundler does. */
export function bundle(contents: string): string {
  const { outputFiles } = buildSync({
    stdin: { contents, resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
    alias: {
      'nest-notifications/react': source('react.ts'),
      'nest-notifications/client/inbox': source('inbox/index.ts'),
      'nest-notifications/client/tabs': source('tabs/index.ts'),
    },
    define: { 'process.env.NODE_ENV': '"development"' },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0]?.text ?? '';
}

function source(path: string): string {
  return fileURLToPath(new URL(`../../src/client/${path}`, import.meta.url));
}
