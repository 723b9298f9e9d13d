import { folder, prepare } from './prepare.mjs';

try {
  await prepare();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
// A relative DATA_FOLDER begins at the folder of the shop.
process.chdir(folder);
// The server runs in this process, not in a child process, so that it receives SIGTERM.
await import('../dist/server/main.js');
