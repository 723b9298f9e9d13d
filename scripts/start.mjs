import { build, setup } from './setup.mjs';

try {
  await setup();
  await build();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
// In this process, not in a child: SIGTERM then reaches the server itself, which drains and exits
// with 0.
await import('../dist/main.js');
