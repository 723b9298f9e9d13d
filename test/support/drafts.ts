import { randomUUID } from 'node:crypto';
import type { Draft } from '../../src/core/notification.js';

/** A draft as `publish` makes it. */
export function draft(id: string, { topic = 'orders', data = null }: { topic?: string; data?: unknown } = {}): Draft {
  return { id, topic, json: JSON.stringify({ id, topic, type: 'tested', time: '2030-01-01T00:00:00.000Z', data }) };
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
