import { randomUUID } from 'node:crypto';
import type { Draft } from '../../src/core/notification.js';

export interface DraftParts {
  readonly topic?: string;
  readonly type?: string;
  readonly data?: unknown;
  readonly key?: string | undefined;
  /** Milliseconds since the Unix epoch. */
  readonly expiresAtMs?: number | undefined;
}

/** A draft as `publish` makes it. */
export function draft(id: string, parts: DraftParts = {}): Draft {
  const { topic = 'orders', type = 'tested', data = null, key, expiresAtMs } = parts;
  const expiresAt = expiresAtMs === undefined ? undefined : new Date(expiresAtMs).toISOString();
  const time = '2030-01-01T00:00:00.000Z';
  return { id, topic, json: JSON.stringify({ id, topic, type, time, expiresAt, key, data }) };
}

/** Drafts with the ids `prefix1`, `prefix2`, … */
export function drafts(count: number, prefix = 'n', topic = 'orders'): Draft[] {
  return Array.from({ length: count }, (_, index) => draft(`${prefix}${index + 1}`, { topic }));
}

/** A draft with an id of its own. */
export function newDraft(topic = 'orders', data: unknown = null): Draft {
  return draft(randomUUID(), { topic, data });
}

export function newDrafts(count: number): Draft[] {
  return Array.from({ length: count }, () => newDraft());
}
