import type { Draft } from '../../core/notification.js';
import type { DraftArrays } from '../shared/group-commit.js';
import { NODE } from './layout.js';

/** A batch that one node sends to another node. */
export interface Forward {
  readonly epochId: string;
  /** The sender knows the log up to this position. */
  readonly after: number;
  readonly arrays: DraftArrays;
}

/** The answer to a forward. */
export type ForwardAnswer = ForwardResult | { readonly holder: string } | { readonly rejected: true };

/** The batch is in the log. */
export interface ForwardResult {
  /** The highest position of the batch. */
  readonly upTo: number;
  /** The drafts whose ids were in the log already, counted over all arrays. */
  readonly duplicates: readonly number[];
  /** The node writes other appends at the same time. */
  readonly isContended: boolean;
}

/**
 * A forward has one line that describes it, and one line of JSON for each draft. The JSON is not
 * encoded again, because a second encoding would be the largest cost.
 */
export function encodeForward({ epochId, after, arrays }: Forward): Uint8Array {
  const fields = arrays.map((drafts) => drafts.flatMap(({ id, topic }) => [id, topic]));
  const lines = arrays.flatMap((drafts) => drafts.map(({ json }) => json));
  return ENCODER.encode([JSON.stringify([epochId, after, fields]), ...lines].join('\n'));
}

/** Undefined if the message is not a forward. */
export function decodeForward(data: Uint8Array): Forward | undefined {
  const [head = '', ...lines] = DECODER.decode(data).split('\n');
  const [epochId, after, fields] = listOf(parse(head));
  if (typeof epochId !== 'string' || typeof after !== 'number') return undefined;
  let next = 0;
  const arrays = listOf(fields).map((texts) => {
    const [pairs, drafts]: [unknown[], Draft[]] = [listOf(texts), []];
    for (let at = 0; at + 1 < pairs.length; at += 2) {
      const [id, topic, json] = [pairs[at], pairs[at + 1], lines[next++]];
      if (typeof id === 'string' && typeof topic === 'string' && json) drafts.push({ id, topic, json });
    }
    return drafts;
  });
  const count = arrays.reduce((sum, { length }) => sum + length, 0);
  return next === lines.length && count === next ? { epochId, after, arrays } : undefined;
}

export function encodeAnswer(answer: ForwardAnswer): string {
  return JSON.stringify(answer);
}

/** Undefined if the message is not an answer. */
export function decodeAnswer(text: string): ForwardAnswer | undefined {
  const answer = parse(text);
  if (typeof answer !== 'object' || answer === null) return undefined;
  const { upTo, duplicates, isContended, holder } = answer as Record<string, unknown>;
  if (typeof holder === 'string') return NODE.test(holder) ? { holder } : undefined;
  if (typeof upTo !== 'number') return { rejected: true };
  const numbers = listOf(duplicates).filter((at) => typeof at === 'number');
  return { upTo, duplicates: numbers, isContended: isContended === true };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : [];
}

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder('utf-8', { ignoreBOM: true });
