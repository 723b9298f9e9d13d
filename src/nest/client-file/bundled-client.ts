/**
 * The scripts that the module serves: the client, and the script that shares one client between
 * tabs.
 */
export interface ClientScripts {
  readonly client: string;
  readonly tabs: string;
}

/**
 * Returns the client as ES modules. The build replaces this function (`scripts/bundle-client.mjs`).
 * The text is part of the code, so it also works with Jest in CommonJS mode and in a bundled
 * application.
 */
export function bundledClient(): ClientScripts {
  throw new Error('serveClient needs the built package; run `npm run build`');
}
