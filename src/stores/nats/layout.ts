import type { MsgHdrs } from '@nats-io/transport-node';
import { type LogEntry, logEntry } from '../../core/notification.js';
import { isRecord } from '../../core/records.js';

/** Positions that each stream sequence stands for, so also the most drafts that one commit may hold. */
export const POSITIONS_PER_MESSAGE = 10_000;

/** Beyond it positions are no safe integers any more; at 1,000 messages a second that is 28 years. */
export const SEQUENCE_MAX = Math.floor(Number.MAX_SAFE_INTEGER / POSITIONS_PER_MESSAGE);

/** The header that describes a part, a JSON array; see `encodeHeader`. */
export const PART_HEADER = 'Notifications-Part';

/** Tokens that no topic is encoded to. */
const EPOCH_TOKEN = '=';
const GUARD_TOKEN = '=g';
/** The token before the topic of a record of the library, so that the server can count them. No topic is encoded to it. */
const RECORDS_TOKEN = '=r';

/** A commit is written as one stream message for each of its topics, all with sequences that follow one another. */
export interface PartHead {
  /** Random; the same in all parts of a commit. */
  readonly commit: string;
  /** From 1. */
  readonly index: number;
  /** Parts of the commit. */
  readonly parts: number;
  /** Drafts of the commit. */
  readonly drafts: number;
  /** The highest position that stands in any message before this one, be it of the same commit. */
  readonly floor: number;
  /** Which drafts of the commit are in this part, counted from 0. */
  readonly members: readonly number[];
  readonly ids: readonly string[];
}

/** A part as it stands in the stream. */
export interface Part extends PartHead {
  readonly sequence: number;
  /** When the server stored it, in milliseconds. */
  readonly timeMs: number;
  readonly entries: readonly LogEntry[];
}

/** What the library hands out, of a consumer or of a get. */
export interface RawMessage {
  readonly sequence: number;
  readonly timeMs: number;
  readonly subject: string;
  readonly headers: MsgHdrs | undefined;
  readonly data: Uint8Array;
}

/** The position at which a commit ends whose last part has this sequence. */
export function endPosition(lastSequence: number): number {
  return lastSequence * POSITIONS_PER_MESSAGE;
}

/** The lowest sequence at which the last part of a commit can stand that holds this position. */
export function sequenceOf(position: number): number {
  return Math.ceil(position / POSITIONS_PER_MESSAGE);
}

export function lastSequenceOf({ sequence, index, parts }: Part): number {
  return sequence - index + parts;
}

/** Up to which position everything is visible or will never exist, once this is the last message of the stream. */
export function visibleAt(sequence: number, part: PartHead | undefined): number {
  return endPosition(part && part.index < part.parts ? sequence - part.index : sequence);
}

/** The place of a draft in a commit that ends at `end`: the last one stands at the end, the others right before it. */
export function memberPosition(end: number, drafts: number, member: number): number {
  return end - drafts + 1 + member;
}

/**
 * One token, so that no topic is a wildcard, a prefix or a part of another: letters, digits, `-` and `_` stand for
 * themselves, every other byte of UTF-8 is `=` and two digits of hex.
 */
export function encodeTopic(topic: string): string {
  return topic.replace(/[^A-Za-z0-9_-]/gu, (character) =>
    Array.from(new TextEncoder().encode(character), (byte) => `=${byte.toString(16).padStart(2, '0')}`).join(''),
  );
}

export function decodeTopic(token: string): string {
  return decodeURIComponent(token.replaceAll('=', '%'));
}

export function subjectOf(prefix: string, topic: string): string {
  return `${isRecord({ topic }) ? `${prefix}.${RECORDS_TOKEN}` : prefix}.${encodeTopic(topic)}`;
}

/** The subjects of all records of the library. */
export function recordSubjects(prefix: string): string {
  return `${prefix}.${RECORDS_TOKEN}.>`;
}

/** The subject of epochs that nodes propose. A message on it makes all nodes check the epoch. */
export function epochSubject(prefix: string): string {
  return `${prefix}.${EPOCH_TOKEN}`;
}

/** The subject of messages without a meaning. They make a new leader apply its log. */
export function guardSubject(prefix: string): string {
  return `${prefix}.${GUARD_TOKEN}`;
}

export function encodeHeader(head: PartHead): string {
  const { commit, index, parts, drafts, floor, members, ids } = head;
  return JSON.stringify([commit, index, parts, drafts, floor, members, ids]);
}

/** Undefined for what this driver did not write: it takes up a sequence and is otherwise looked over. */
export function decodePart(message: RawMessage): Part | undefined {
  const header = message.headers?.get(PART_HEADER);
  if (!header) return undefined;
  try {
    return parsePart(message, JSON.parse(header) as HeaderFields);
  } catch {
    return undefined;
  }
}

type HeaderFields = [string, number, number, number, number, number[], string[]];

function parsePart({ sequence, timeMs, subject, data }: RawMessage, fields: HeaderFields): Part {
  const [commit, index, parts, drafts, floor, members, ids] = fields;
  const topic = decodeTopic(subject.slice(subject.lastIndexOf('.') + 1));
  const end = endPosition(sequence - index + parts);
  const lines = TEXT.decode(data).split('\n');
  const entries = ids.map((id, at) =>
    logEntry(memberPosition(end, drafts, members[at] ?? 0), { id, topic, json: lines[at] ?? '' }),
  );
  return { sequence, timeMs, commit, index, parts, drafts, floor, members, ids, entries };
}

const TEXT = new TextDecoder('utf-8', { ignoreBOM: true });
