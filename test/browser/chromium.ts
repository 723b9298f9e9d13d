import { findProgram } from './main-process.js';

/** The headless shell comes first: it needs half the processor time of the whole browser. */
export const chromiumPath = findProgram([
  process.env.CHROMIUM_PATH,
  'chromium-headless-shell',
  '/usr/bin/chromium',
  'chromium',
  'google-chrome',
]);

export const CHROMIUM_ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-quic',
];
