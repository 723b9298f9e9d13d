import { folder, prepare } from './prepare.mjs';

try {
  await prepare();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
// The folder of the data is relative to the shop.
process.chdir(folder);
// In this process, not in a child: SIGTERM then reaches the server itself.
await import('../dist/server/main.js');
