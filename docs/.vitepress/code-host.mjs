import { existsSync, statSync } from 'node:fs';
import { join, posix } from 'node:path';
import { docs } from './pages.mjs';

export const REPOSITORY = 'https://github.com/nest-notifications/nest-notifications';
const BRANCH = 'main';

/**
 * The address on the code host for a link that the site has no page for, such as `../SECURITY.md`
 * or `proxies/nginx.conf`. Undefined for all other links.
 *
 * @param {string} href as a page has it
 * @param {string} page the page, relative to docs, with slashes
 * @returns {string | undefined}
 */
export function onCodeHost(href, page) {
  if (/^(?:[a-z]+:|\/|#)/i.test(href)) return undefined;
  const [path = '', hash = ''] = href.split(/(?=#)/);
  const target = posix.join('docs', posix.dirname(page), decodeURI(path));
  if (target.startsWith('docs/') && path.endsWith('.md')) return undefined;
  const file = join(docs, '..', target);
  if (!existsSync(file)) throw new Error(`docs/${page} links to ${href}, and there is no such file`);
  return `${REPOSITORY}/${statSync(file).isDirectory() ? 'tree' : 'blob'}/${BRANCH}/${target}${hash}`;
}

/**
 * Lets links to files outside the site open on the code host. For markdown-it; VitePress adds the
 * page to its environment.
 *
 * @param {import('markdown-it').default} md
 */
export function codeHostLinks(md) {
  md.core.ruler.push('code-host-links', ({ tokens, env }) => {
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const href = token.type === 'link_open' ? token.attrGet('href') : null;
      const address = href === null ? undefined : onCodeHost(href, env.relativePath);
      if (address !== undefined) token.attrSet('href', address);
    }
  });
}
