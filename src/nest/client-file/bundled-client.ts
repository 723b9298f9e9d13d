/** The scripts that the module serves. */
export interface ClientScripts {
  readonly client: string;
  /** Shares one client between tabs. */
  readonly tabs: string;
  /** Defines `<notification-inbox>`. */
  readonly inboxElement: string;
}

/**
 * Returns the client as ES modules. The build replaces this function (`scripts/bundle-client.mjs`).
 * The text is part of the code, so it also works with Jest in CommonJS mode and in a bundled
 * application.
 */
export function bundledClient(): ClientScripts {
  throw new Error('serveClient needs the built package; run `npm run build`');
}
