/**
 * `npm run build` compiles src to dist. It also bundles the client into one text, for pages without
 * a bundler.
 */
import { join } from 'node:path';
import { embedClient } from './bundle-client.mjs';
import { bins, node, root } from './tools.mjs';

const { code, output } = await node([bins.nest, 'build']);
if (code === 0) {
  embedClient(join(root, 'dist'));
} else {
  console.error(output.trimEnd());
  process.exitCode = code;
}
