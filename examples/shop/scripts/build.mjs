import { prepare } from './prepare.mjs';

try {
  await prepare();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
