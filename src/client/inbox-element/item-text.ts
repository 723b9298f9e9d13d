/** The limits of a shown text, in UTF-16 code units. A longer text has an ellipsis. */
const TITLE_MAX = 300;
const BODY_MAX = 1_000;
/** A longer link is ignored: no browser needs it, and some servers reject it. */
const URL_MAX = 2_048;

/** The texts of an item, and its link. */
export interface ItemText {
  readonly title: string;
  /** Empty if there is none. */
  readonly body: string;
  /** Undefined if the item has no link, or an unsafe one. */
  readonly url: string | undefined;
}

/** Reads `title`, `body` and `url` of a notification's data. The default title is the type. */
export function itemTextOf(notification: object, base: string): ItemText {
  const { type, data } = notification as { readonly type?: unknown; readonly data?: unknown };
  const { title, body, url } = (typeof data === 'object' && data ? data : {}) as Readonly<Record<string, unknown>>;
  return {
    title: clip(textOf(title) || textOf(type), TITLE_MAX),
    body: clip(textOf(body), BODY_MAX),
    url: safeUrl(textOf(url), base),
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value.trim() : '';
}

function clip(text: string, max: number): string {
  // A cut between the two halves of a character would leave an invalid half.
  return text.length > max ? `${text.slice(0, max).replace(/[\ud800-\udbff]$/, '')}…` : text;
}

/** The absolute URL if its scheme is http or https. Others, such as `javascript:`, run code. */
function safeUrl(text: string, base: string): string | undefined {
  if (!text || text.length > URL_MAX) return undefined;
  try {
    const { protocol, href } = new URL(text, base);
    return protocol === 'http:' || protocol === 'https:' ? href : undefined;
  } catch {
    return undefined;
  }
}
