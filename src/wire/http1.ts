/**
 * HTTP/1.1 as bytes (RFC 9112), for the direct lane (`nest/direct-lane`), which bypasses node:http.
 */
import { type Body, encodingOf } from './encoder.js';

export type RawHeaders = readonly (readonly [name: string, value: number | string | readonly string[]])[];

/**
 * The head of a GET as most clients send it. A request that differs from this form is left to
 * node:http.
 */
export function getHead(url: string, rawHeaders: readonly string[]): Buffer {
  let head = `GET ${url} HTTP/1.1\r\n`;
  for (let at = 0; at < rawHeaders.length; at += 2) head += `${rawHeaders[at]}: ${rawHeaders[at + 1]}\r\n`;
  return Buffer.from(`${head}\r\n`, 'latin1');
}

/** Header lines, each with its line end. A list becomes one line per value, as in node:http. */
export function headerLines(headers: RawHeaders): string {
  const lines = headers.flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}\r\n`));
  return lines.join('');
}

/**
 * The head of an answer: the status with its reason, and the header lines, including the body's
 * length.
 */
export function answerHead(status: string, lines: string): string {
  return `HTTP/1.1 ${status}\r\n${lines}\r\n`;
}

/** A complete answer in one buffer. */
export function answerBytes(head: string, { content, bytes }: Body): Buffer {
  const answer = Buffer.allocUnsafe(head.length + bytes);
  answer.write(head, 'latin1');
  if (typeof content !== 'string') content.copy(answer, head.length);
  else answer.write(content, head.length, encodingOf(content, bytes));
  return answer;
}
