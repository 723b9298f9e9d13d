/** The files of the page. */
export interface PageFiles {
  /** It names the other files as `"./inspector.js"` and `"./inspector.css"`. */
  readonly html: string;
  readonly script: string;
  readonly style: string;
}

const HTML = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width" />
    <title>Notifications inspector</title>
    <link rel="stylesheet" href="./inspector.css" />
    <script type="module" src="./inspector.js"></script>
  </head>
  <body>
    <pre></pre>
  </body>
</html>
`;

const SCRIPT = `const state = new URL('state', import.meta.url);
const response = await fetch(state);
document.querySelector('pre').textContent = JSON.stringify(await response.json(), undefined, 2);
`;

const STYLE = 'body { font-family: system-ui, sans-serif; }\n';

export function pageFiles(): PageFiles {
  return { html: HTML, script: SCRIPT, style: STYLE };
}
