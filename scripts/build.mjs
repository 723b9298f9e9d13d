/** `npm run build`: src is compiled to dist, and the client also put into one file for pages without a bundler. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleClient, CLIENT_FILE } from './bundle-client.mjs';
import { bins, node, root } from './tools.mjs';

const { code, output } = await node([bins.nest, 'build']);
if (code === 0) {
  const dist = join(root, 'dist');
  writeFileSync(join(dist, CLIENT_FILE), bundleClient(dist));
} else {
  console.error(output.trimEnd());
  process.exitCode = code;
}
