import { NotificationsError } from '../../src/core/errors.js';
import { type LogEntry, logEntry } from '../../src/core/notification.js';
import type { Gap } from '../../src/core/gap.js';
import type { LogPage } from '../../src/core/page.js';
import type { Epoch } from '../../src/core/store.js';
import { type DraftLimits, makeDraft } from '../../src/core/draft.js';
import type { PublishLimits } from '../../src/wire/publish.js';
import type { Random } from '../support/random.js';

export const EPOCH: Epoch = { id: 'epoch-one', secret: 'secret-one' };
export const OTHER_EPOCH: Epoch = { id: 'epoch-two', secret: 'secret-two' };
export const LIMITS: DraftLimits & PublishLimits = {
  notificationBytesMax: 65_536,
  notificationsMax: 10,
  dataDepthMax: 32,
};
export const TIME = new Date('2030-01-02T03:04:05.678Z');

/** Text that breaks line protocols, JSON in scripts, UTF-8 or careless parsers. */
export const HOSTILE: readonly string[] = [
  '\n',
  '\r',
  '\r\n',
  '\0',
  '\u2028',
  '\u2029',
  '\u0085',
  '\ufeff',
  '\ud800',
  '\udc00\ud800',
  '\ndata: x',
  '\n\ndata: x\n\n',
  '\r\rid: x\r\r',
  'x\r\n\r\nevent: gap\r\ndata: {}\r\n\r\n',
  'id: x\nretry: 0\n:',
  '"}]',
  '\\n\\',
  '</script>',
  'größe 😀 \u{10ffff} e\u0301',
  'ab\n'.repeat(5_000),
];

/** The error that a call is refused with; anything else fails. */
export function refusal(call: () => unknown): { code: string; message: string } {
  try {
    call();
  } catch (error) {
    if (!(error instanceof NotificationsError)) throw error;
    return { code: error.code, message: error.message };
  }
  throw new Error('the call was not refused');
}

/** An entry as publishing makes it. */
export function entry(position: number, data: unknown = null, topic = 'orders'): LogEntry {
  return logEntry(position, makeDraft({ topic, type: 'tested', id: `n${position}`, data }, TIME, LIMITS));
}

export function logPage(entries: readonly LogEntry[], rest: Partial<LogPage> = {}): LogPage {
  return { epoch: EPOCH, entries, position: entries.at(-1)?.position ?? 0, more: false, ...rest };
}

/**
 * Pages of all shapes: empty, with a gap, with hostile data, ending at or behind their last entry.
 */
export function randomPage(random: Random, after = random.below(1_000)): LogPage {
  let position = after;
  const entries = Array.from({ length: random.below(5) }, () =>
    entry((position += 1 + random.below(3)), randomData(random)),
  );
  const gap: Gap | undefined = [undefined, { reason: 'expired' } as const, { reason: 'reset' } as const][
    random.below(3)
  ];
  return logPage(entries, { position: position + random.below(3), more: random.below(2) === 0, ...(gap && { gap }) });
}

function randomData(random: Random, depth = 0): unknown {
  const text = HOSTILE[random.below(HOSTILE.length)]!;
  const leaves = [null, true, random.below(1e9), random.below(1e9) / 1_000, -1e-7, '', text];
  if (depth === 3 || random.below(3) === 0) return leaves[random.below(leaves.length)];
  const children = Array.from({ length: random.below(4) }, () => randomData(random, depth + 1));
  if (random.below(2) === 0) return children;
  return Object.fromEntries(children.map((child, index) => [index === 0 ? text : `key${index}`, child]));
}

/** Rows of a table with a title in front: their first value, short and printable. */
export function titled<Row extends readonly unknown[]>(rows: readonly Row[]): [title: string, ...row: Row][] {
  return rows.map((row) => {
    const text = row[0] === undefined ? 'nothing' : JSON.stringify(row[0]);
    const title = text.length > 60 ? `${text.slice(0, 60)}… (${text.length} characters)` : text;
    return [title.replace(/[^ -~…]/gu, (character) => `<${character.codePointAt(0)!.toString(16)}>`), ...row];
  });
}
