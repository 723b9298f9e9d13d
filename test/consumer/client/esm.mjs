import { createRequire } from 'node:module';
import { check } from './check.cjs';

const manifest = createRequire(import.meta.url)('nest-notifications-client/package.json');
await check(manifest.exports, (entry) => import(entry));
