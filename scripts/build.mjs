/**
 * `npm run build` compiles src to dist. It also bundles the client for pages without a bundler, and
 * fills the package `nest-notifications-client` in packages/client.
 */
import { join } from 'node:path';
import { embedClient, embedPage } from './bundle-client.mjs';
import { buildClientPackage } from './client-package.mjs';
import { bins, node, root } from './tools.mjs';

const { code, output } = await node([bins.nest, 'build']);
if (code === 0) {
  const dist = join(root, 'dist');
  embedClient(dist);
  embedPage(dist, join(root, 'src'));
  buildClientPackage(dist);
} else {
  console.error(output.trimEnd());
  process.exitCode = code;
}
