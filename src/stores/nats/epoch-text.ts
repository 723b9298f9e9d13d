import type { Epoch, PastEpoch } from '../../core/store.js';

/** Begins the description of each stream that is a log. */
const DESCRIPTION = 'Log of nest-notifications, do not edit: ';
/** A new log has a description with this beginning until a node uses the log. */
const NEW_DESCRIPTION = 'New log of nest-notifications, do not edit: ';
/** The server accepts 4 KiB of description. A past epoch takes about 120 bytes of it. */
const PAST_MAX = 16;
const [LOST, KEPT] = ['lost', 'kept'];

/** An epoch that a node proposes in the log, as the successor of another one. */
export interface ProposedEpoch {
  /** The id of the epoch that it follows. */
  readonly from: string;
  readonly epoch: Epoch;
}

/** The text for the stream's description. It holds the secrets of the epoch and of those before. */
export function encodeEpoch({ id, secret, before = [] }: Epoch): string {
  const past = before.slice(0, PAST_MAX).map((one) => [one.id, one.secret, one.upTo, one.lost ? LOST : KEPT].join(':'));
  return DESCRIPTION + [id, secret, ...past].join(' ');
}

/** The text for the description of a new stream. */
export function encodeNewLog({ id, secret }: Epoch): string {
  return `${NEW_DESCRIPTION}${id} ${secret}`;
}

export function isNewLog(text = ''): boolean {
  return text.startsWith(NEW_DESCRIPTION);
}

/** Reads a description. Undefined when the text is not the description of a log. */
export function decodeEpoch(text = ''): Epoch | undefined {
  const start = [DESCRIPTION, NEW_DESCRIPTION].find((one) => text.startsWith(one));
  if (!start) return undefined;
  const [id, secret, ...past] = text.slice(start.length).split(' ');
  if (!id || !secret) return undefined;
  const before = past.map(decodePast);
  return { id, secret, ...(before.length > 0 && { before }) };
}

export function encodeProposal({ from, epoch }: ProposedEpoch): string {
  return `${from}\n${encodeEpoch(epoch)}`;
}

/** Reads a proposal. Undefined when the message does not propose an epoch. */
export function decodeProposal(data: Uint8Array): ProposedEpoch | undefined {
  const [from, text] = new TextDecoder().decode(data).split('\n');
  const epoch = decodeEpoch(text);
  return from && epoch ? { from, epoch } : undefined;
}

function decodePast(text: string): PastEpoch {
  const [id = '', secret = '', upTo = '0', lost] = text.split(':');
  return { id, secret, upTo: Number(upTo), lost: lost !== KEPT };
}
