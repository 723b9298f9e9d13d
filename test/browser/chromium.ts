import { findProgram } from './main-process.js';

export const chromiumPath = findProgram([process.env.CHROMIUM_PATH, '/usr/bin/chromium', 'chromium', 'google-chrome']);

export const CHROMIUM_ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
];
