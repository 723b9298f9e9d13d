import { buildSync } from 'esbuild';
import { fileURLToPath } from 'node:url';

/** A script as an application with a bundler serves it. */
export function bundle(contents: string): string {
  const { outputFiles } = buildSync({
    stdin: { contents, resolveDir: fileURLToPath(new URL('.', import.meta.url)) },
    alias: { 'nest-notifications/react': fileURLToPath(new URL('../../src/client/react.ts', import.meta.url)) },
    define: { 'process.env.NODE_ENV': '"development"' },
    bundle: true,
    format: 'esm',
    platform: 'browser',
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0]?.text ?? '';
}
