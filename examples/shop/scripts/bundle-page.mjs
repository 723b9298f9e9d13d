/** Bundles the page into dist/web: one script, one style sheet and the document. */
import { build } from 'esbuild';
import { cpSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

await build({
  entryPoints: { app: path('web/main.tsx') },
  outdir: path('dist/web'),
  bundle: true,
  format: 'esm',
  jsx: 'automatic',
  target: 'es2022',
  minify: true,
  define: { 'process.env.NODE_ENV': '"production"' },
  logLevel: 'warning',
});
for (const name of ['index.html', 'icon.svg']) cpSync(path(`web/${name}`), path(`dist/web/${name}`));
