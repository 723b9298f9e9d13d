/** HTTP/1.1 as bytes (RFC 9112), for connections that are served without a parser. */
import type { Body } from './encoder.js';

export type RawHeaders = readonly (readonly [name: string, value: number | string | readonly string[]])[];

/** The head of a GET as nearly every client writes it. One that writes it otherwise has to be parsed. */
export function getHead(url: string, rawHeaders: readonly string[]): Buffer {
  let head = `GET ${url} HTTP/1.1\r\n`;
  for (let at = 0; at < rawHeaders.length; at += 2) head += `${rawHeaders[at]}: ${rawHeaders[at + 1]}\r\n`;
  return Buffer.from(`${head}\r\n`, 'latin1');
}

/** Header lines, each with its end. A list is a line for each of its values, as node:http writes it. */
export function headerLines(headers: RawHeaders): string {
  const lines = headers.flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}\r\n`));
  return lines.join('');
}

/** A whole answer: the status with its reason, header lines that state the body's length among others, and the body. */
export function answerBytes(status: string, lines: string, { text, bytes }: Body): Buffer {
  const head = `HTTP/1.1 ${status}\r\n${lines}\r\n`;
  const answer = Buffer.allocUnsafe(head.length + bytes);
  answer.write(head, 'latin1');
  // Text of ASCII alone, which most is, needs only to be copied.
  answer.write(text, head.length, text.length === bytes ? 'latin1' : 'utf8');
  return answer;
}
