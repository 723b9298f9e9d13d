/** A text as one chunk of a chunked body (RFC 9112, 7.1). */
export function textChunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}
