import { FeedError } from './errors.js';

/**
 * The maximum number of characters in a page, or in a block of a stream. It is twice the largest
 * notification that a server can accept. A broken or hostile server must not fill the client's
 * memory.
 */
export const BODY_CHARS_MAX = 32 * 1024 * 1024;

/** Reads a body as JSON. @throws FeedError if it is too large */
export async function readJson(response: Response): Promise<unknown> {
  if (!response.body) return response.json();
  let text = '';
  for await (const chunk of readText(response.body)) {
    text += chunk;
    checkSize(text.length);
  }
  return JSON.parse(text);
}

/** Reads a body as text, in the chunks in which it arrives. */
export async function* readText(body: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield decoder.decode(value, { stream: true });
  }
}

/** @throws FeedError if a body, or a block of a stream, is too large */
export function checkSize(chars: number): void {
  if (chars <= BODY_CHARS_MAX) return;
  const message = `the answer has more than ${BODY_CHARS_MAX} characters; set a smaller \`limit\``;
  throw new FeedError(message, { status: 200, code: 'answer_too_large' });
}
