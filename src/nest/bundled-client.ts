import { readFile } from 'node:fs/promises';

/** The client as one ES module, which the build leaves beside its compiled sources. */
export async function readBundledClient(): Promise<string> {
  const file = new URL('../client/browser.js', import.meta.url);
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const advice = 'an application that is bundled must leave nest-notifications out of the bundle';
    throw new Error(`serveClient: ${file.href} cannot be read; ${advice}`, { cause });
  }
}
