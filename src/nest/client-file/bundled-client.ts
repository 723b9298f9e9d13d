/**
 * The client as one ES module. The build replaces this function (`scripts/bundle-client.mjs`): the text is part of the code, so that
 * it is found without `import.meta` (Jest as CommonJS) and without a file (an application that is bundled).
 */
export function bundledClient(): string {
  throw new Error('serveClient needs the built package: npm run build');
}
