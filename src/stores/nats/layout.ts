import type { MsgHdrs } from '@nats-io/transport-node';
import { type LogEntry, logEntry } from '../../core/notification.js';
import { isPattern, prefixOf } from '../../core/patterns.js';
import { isRecord } from '../../core/records.js';

/** Positions per stream sequence, and so the most drafts that one commit may hold. */
export const POSITIONS_PER_MESSAGE = 10_000;

/**
 * A higher sequence would have positions beyond the safe integers. At 1,000 messages a second that
 * takes 28 years.
 */
export const SEQUENCE_MAX = Math.floor(Number.MAX_SAFE_INTEGER / POSITIONS_PER_MESSAGE);

/** The header that describes a part as a JSON array; see `encodeHeader`. */
export const PART_HEADER = 'Notifications-Part';

/** Tokens that differ from every encoded segment. */
const EPOCH_TOKEN = '=';
const GUARD_TOKEN = '=g';
const START_TOKEN = '=s';
/** The token before the topic of a record of the library. With it the server can count records. */
const RECORDS_TOKEN = '=r';
/** The token of an empty segment, because a subject cannot have an empty token. */
const EMPTY_TOKEN = '=e';
/** The number of tokens of a log's prefix: the stream and its incarnation. */
const PREFIX_TOKENS = 2;

/** The id of a node. */
export const NODE = /^[0-9a-f-]{36}$/;

/** The id of a commit: the id of its node, and a number. */
export function commitId(node: string, number: number): string {
  return `${node}.${number}`;
}

/** The node that has written a commit. Undefined if the id of the commit does not name it. */
export function nodeOf(commit: string): string | undefined {
  const node = commit.slice(0, commit.lastIndexOf('.'));
  return NODE.test(node) ? node : undefined;
}

/** A commit is written as one stream message per topic, with consecutive sequences. */
export interface PartHead {
  /** The id of the commit, the same in all its parts: see `commitId`. */
  readonly commit: string;
  /** The number of this part, from 1. */
  readonly index: number;
  /** The number of parts of the commit. */
  readonly parts: number;
  /** The number of drafts of the commit. */
  readonly drafts: number;
  /** The highest position in any earlier message, including earlier parts of this commit. */
  readonly floor: number;
  /** The drafts of the commit that are in this part, counted from 0. */
  readonly members: readonly number[];
  readonly ids: readonly string[];
}

export interface Part extends PartHead {
  readonly sequence: number;
  /** The time at which the server stored the part, in milliseconds. */
  readonly timeMs: number;
  readonly entries: readonly LogEntry[];
}

/** A message that the client library returns, from a consumer or a get. */
export interface RawMessage {
  readonly sequence: number;
  readonly timeMs: number;
  readonly subject: string;
  readonly headers: MsgHdrs | undefined;
  readonly data: Uint8Array;
}

/** The position at which a commit ends, by the sequence of its last part. */
export function endPosition(lastSequence: number): number {
  return lastSequence * POSITIONS_PER_MESSAGE;
}

/** The lowest possible sequence of the last part of the commit that holds this position. */
export function sequenceOf(position: number): number {
  return Math.ceil(position / POSITIONS_PER_MESSAGE);
}

/** The sequence of the first part of the same commit. */
export function firstSequenceOf({ sequence, index }: Part): number {
  return sequence - index + 1;
}

export function lastSequenceOf({ sequence, index, parts }: Part): number {
  return sequence - index + parts;
}

/**
 * Returns a position, given the stream's last message. Every entry up to this position is visible,
 * or will never exist.
 */
export function visibleAt(sequence: number, part: PartHead | undefined): number {
  return endPosition(part && part.index < part.parts ? sequence - part.index : sequence);
}

/**
 * The position of a draft in a commit that ends at `end`. The last draft is at `end`, the others
 * directly before it.
 */
export function memberPosition(end: number, drafts: number, member: number): number {
  return end - drafts + 1 + member;
}

/**
 * Encodes a topic as tokens of a subject: one for each segment between its dots. So the server's
 * index of subjects also finds the topics of a pattern. Patterns need no extra writes. Letters,
 * digits, `-` and `_` stay as they are. Every other byte of UTF-8 becomes `=` and two hex digits,
 * so that no topic is a wildcard.
 */
export function encodeTopic(topic: string): string {
  return topic.split('.').map(encodeSegment).join('.');
}

function encodeSegment(segment: string): string {
  if (segment === '') return EMPTY_TOKEN;
  return segment.replace(/[^A-Za-z0-9_-]/gu, (character) =>
    Array.from(new TextEncoder().encode(character), (byte) => `=${byte.toString(16).padStart(2, '0')}`).join(''),
  );
}

export function decodeTopic(tokens: readonly string[]): string {
  const segments = tokens.map((token) => (token === EMPTY_TOKEN ? '' : decodeURIComponent(token.replaceAll('=', '%'))));
  return segments.join('.');
}

/** The subject of a topic, or the subjects of all topics of a pattern. */
export function subjectOf(prefix: string, name: string): string {
  if (name === '*') return `${prefix}.>`;
  if (isPattern(name)) return `${prefix}.${encodeTopic(prefixOf(name).slice(0, -1))}.>`;
  return `${isRecord({ topic: name }) ? `${prefix}.${RECORDS_TOKEN}` : prefix}.${encodeTopic(name)}`;
}

/** The subjects of all records of the library. */
export function recordSubjects(prefix: string): string {
  return `${prefix}.${RECORDS_TOKEN}.>`;
}

/** The subject of proposed epochs. A message on it makes all nodes check the epoch. */
export function epochSubject(prefix: string): string {
  return `${prefix}.${EPOCH_TOKEN}`;
}

/** The subject of empty messages that make a new leader apply its log. */
export function guardSubject(prefix: string): string {
  return `${prefix}.${GUARD_TOKEN}`;
}

/** The subject of start marks; see `LogStart`. */
export function startSubject(prefix: string): string {
  return `${prefix}.${START_TOKEN}`;
}

export function encodeHeader(head: PartHead): string {
  const { commit, index, parts, drafts, floor, members, ids } = head;
  return JSON.stringify([commit, index, parts, drafts, floor, members, ids]);
}

/** Reads a part. Undefined if this driver did not write the message; readers skip it then. */
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
  const tokens = subject.split('.').slice(PREFIX_TOKENS);
  const topic = decodeTopic(tokens[0] === RECORDS_TOKEN ? tokens.slice(1) : tokens);
  const end = endPosition(sequence - index + parts);
  const lines = TEXT.decode(data).split('\n');
  const entries = ids.map((id, at) =>
    logEntry(memberPosition(end, drafts, members[at] ?? 0), { id, topic, json: lines[at] ?? '' }),
  );
  return { sequence, timeMs, commit, index, parts, drafts, floor, members, ids, entries };
}

const TEXT = new TextDecoder('utf-8', { ignoreBOM: true });
