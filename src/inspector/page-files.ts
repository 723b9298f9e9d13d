/** The files of the page of the inspector. */
export interface PageFiles {
  /** It names the other files as `"./inspector.js"` and `"./inspector.css"`. */
  readonly html: string;
  /** An ES module without imports. */
  readonly script: string;
  readonly style: string;
}

/**
 * Returns the files. The build replaces this function (`scripts/bundle-client.mjs`). The texts are
 * part of the code, so they also work with Jest in CommonJS mode and in a bundled application.
 */
export function pageFiles(): PageFiles {
  throw new Error('the inspector needs the built package; run `npm run build`');
}
