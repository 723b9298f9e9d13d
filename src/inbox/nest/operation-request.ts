import { NotificationsError } from '../../core/errors.js';
import { checkId, checkType } from '../../core/names.js';
import type { LogPosition } from '../../core/page.js';
import { OPERATION_ITEMS_MAX, OPERATION_TYPES_MAX } from '../inbox-record.js';

/** The name of an operation on the items of an inbox. */
export type InboxOp = 'seen' | 'read' | 'unread' | 'archive' | 'unarchive' | 'snooze' | 'unsnooze' | 'remove';

/**
 * The items of an operation: one id, several ids, or all items up to the cursor of a page. With
 * `type`, only the items of these types among the newest 1,000 of the subscriber.
 */
export type InboxTarget =
  string | readonly string[] | { readonly upTo: string; readonly type?: string | readonly string[] | undefined };

/** A checked operation. */
export type OperationRequest = { readonly op: InboxOp; readonly untilMs?: number } & (
  { readonly ids: readonly string[] } | { readonly upTo: LogPosition; readonly types?: readonly string[] }
);

/** An operation before its checks. A client sends these fields. */
export interface GivenOperation {
  readonly op: unknown;
  readonly ids?: unknown;
  readonly upTo?: unknown;
  readonly type?: unknown;
  readonly until?: unknown;
}

/** Whether the operation can name all items up to a cursor. */
const ALLOWS_UP_TO: Readonly<Record<InboxOp, boolean>> = {
  seen: true,
  read: true,
  unread: false,
  archive: true,
  unarchive: false,
  remove: true,
  snooze: false,
  unsnooze: false,
};
const FIELDS: readonly string[] = ['op', 'ids', 'upTo', 'type', 'until'];
/**
 * The longest snooze. A larger value is probably a mistake. Retention may remove a snoozed item
 * before its snooze ends.
 */
const SNOOZE_MS_MAX = 366 * 24 * 3_600_000;
const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

export interface OperationContext {
  readonly nowMs: number;
  /** Undefined if the text is not a cursor. */
  readonly openCursor: (text: string) => LogPosition | undefined;
}

/**
 * Checks the body of a request.
 * @throws NotificationsError `body_invalid`, `id_invalid`, `type_invalid`, `cursor_invalid` or
 *   `option_invalid`
 */
export function parseOperationBody(body: unknown, context: OperationContext): OperationRequest {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalid('the body must be an object, as in { "op": "read", "ids": ["…"] }');
  }
  const unknown = Object.keys(body).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) throw invalid(`the body has an unknown field; allowed are ${FIELDS.join(', ')}`);
  return checkOperation(body as GivenOperation, context);
}

/**
 * Checks an operation.
 * @throws NotificationsError `body_invalid`, `id_invalid`, `type_invalid`, `cursor_invalid` or
 *   `option_invalid`
 */
export function checkOperation(given: GivenOperation, context: OperationContext): OperationRequest {
  const { op, ids, upTo, type, until } = given;
  if (typeof op !== 'string' || !Object.hasOwn(ALLOWS_UP_TO, op)) {
    throw invalid(`op must be one of ${Object.keys(ALLOWS_UP_TO).join(', ')}`);
  }
  const name = op as InboxOp;
  const time = checkUntil(name, until, context.nowMs);
  if ((ids === undefined) === (upTo === undefined)) throw invalid('set either ids or upTo');
  if (upTo === undefined) {
    if (type !== undefined) throw invalid('type needs upTo; ids name the items already');
    return { op: name, ids: checkIds(ids), ...time };
  }
  if (!ALLOWS_UP_TO[name]) throw invalid(`${name} needs ids; it has no upTo`);
  const position = typeof upTo === 'string' ? context.openCursor(upTo) : undefined;
  if (!position) throw foreignCursor();
  return { op: name, upTo: position, ...(type !== undefined && { types: checkTypes(type) }), ...time };
}

/** The error for a cursor that does not belong to the inbox's log. */
export function foreignCursor(): NotificationsError {
  return new NotificationsError(
    'cursor_invalid',
    'upTo is not a cursor of this inbox; send the cursor `follow` of a page',
  );
}

function checkIds(ids: unknown): readonly string[] {
  if (!Array.isArray(ids) || ids.length === 0) throw invalid('ids must be an array of one id at least');
  if (ids.length > OPERATION_ITEMS_MAX) {
    throw invalid(`ids has ${ids.length} ids, at most ${OPERATION_ITEMS_MAX} are allowed`);
  }
  return ids.map(checkId);
}

function checkTypes(type: unknown): readonly string[] {
  const types = [...new Set([type].flat())];
  if (types.length >= 1 && types.length <= OPERATION_TYPES_MAX) return types.map(checkType);
  throw invalid(`type lists ${types.length} types, must list 1 to ${OPERATION_TYPES_MAX}`);
}

function checkUntil(op: InboxOp, until: unknown, nowMs: number): { untilMs?: number } {
  if (op !== 'snooze') {
    if (until !== undefined) throw invalid(`${op} has no until; only snooze has`);
    return {};
  }
  const untilMs = timeOf(until);
  if (untilMs > nowMs && untilMs <= nowMs + SNOOZE_MS_MAX) return { untilMs };
  const rule = 'a future time such as 2026-12-24T18:00:00Z, at most a year from now';
  throw new NotificationsError('option_invalid', `until must be ${rule}`);
}

function timeOf(value: unknown): number {
  if (value instanceof Date) return value.getTime();
  return typeof value === 'string' && RFC_3339.test(value) ? Date.parse(value) : NaN;
}

function invalid(message: string): NotificationsError {
  return new NotificationsError('body_invalid', message);
}
