import { type Draft, utf8Length } from '../../core/notification.js';
import { NotificationsError } from '../../core/errors.js';
import { isRecord } from '../../core/records.js';
import { encodeHeader, endPosition, memberPosition, type PartHead, POSITIONS_PER_MESSAGE } from './layout.js';

/** A part to publish. */
export interface NewPart {
  readonly topic: string;
  readonly head: PartHead;
  readonly header: string;
  readonly body: string;
}

/** A commit to publish directly after a message of the stream. */
export interface NewCommit {
  readonly commit: string;
  readonly parts: readonly NewPart[];
  /** The sequence of the last part. */
  readonly lastSequence: number;
  /** The positions of the drafts, in their order. */
  readonly positions: readonly number[];
}

/**
 * Reserved for headers within the server's `max_payload`: the part's fields and the order of the
 * stream.
 */
const HEADER_BYTES = 1024;
/** The header bytes of each draft besides its id: the member number, quotes and commas. */
const MEMBER_BYTES = 12;

interface Bundle {
  readonly topic: string;
  readonly members: number[];
  bytes: number;
}

export interface NewCommitOptions {
  /** The id of the commit. */
  readonly commit: string;
  /** The sequence of the message before the commit. */
  readonly after: number;
  /** The largest message that the server accepts. */
  readonly payloadMax: number;
}

/**
 * Divides drafts into the parts of one commit: one message per topic, or several if it would be too
 * large.
 *
 * @throws NotificationsError if the server would reject the commit: `notification_too_large` or
 *   `notifications_too_many`
 */
export function newCommit(drafts: readonly Draft[], { commit, after, payloadMax }: NewCommitOptions): NewCommit {
  const bundles = bundle(drafts, payloadMax - HEADER_BYTES);
  const lastSequence = after + bundles.length;
  const end = endPosition(lastSequence);
  let floor = endPosition(after);
  const parts = bundles.map(({ topic, members }, at): NewPart => {
    const own = members.map((member) => drafts[member]).filter((draft) => draft !== undefined);
    const head: PartHead = {
      commit,
      index: at + 1,
      parts: bundles.length,
      drafts: drafts.length,
      floor,
      members,
      ids: own.map(({ id }) => id),
    };
    floor = Math.max(floor, memberPosition(end, drafts.length, members.at(-1) ?? 0));
    return { topic, head, header: encodeHeader(head), body: own.map(({ json }) => json).join('\n') };
  });
  const positions = drafts.map((_, member) => memberPosition(end, drafts.length, member));
  return { commit, parts, lastSequence, positions };
}

function bundle(drafts: readonly Draft[], bytesMax: number): Bundle[] {
  if (drafts.length > POSITIONS_PER_MESSAGE) {
    const message = `An array has ${drafts.length} notifications; the NATS store accepts at most ${POSITIONS_PER_MESSAGE}.`;
    throw new NotificationsError('notifications_too_many', message);
  }
  const bundles: Bundle[] = [];
  const byTopic = new Map<string, Bundle>();
  for (const [member, { id, topic, json }] of drafts.entries()) {
    const bytes = utf8Length(json) + utf8Length(JSON.stringify(id)) + MEMBER_BYTES;
    if (bytes > bytesMax) {
      const message = `A notification has ${bytes} bytes; the NATS server accepts at most ${bytesMax} (max_payload).`;
      throw new NotificationsError('notification_too_large', message);
    }
    // `remove` removes whole messages, up to the position of a record. So the drafts before a
    // record and those after it are in different messages.
    if (isRecord({ topic })) byTopic.clear();
    let open = byTopic.get(topic);
    if (!open || open.bytes + bytes > bytesMax) {
      open = { topic, members: [], bytes: 0 };
      byTopic.set(topic, open);
      bundles.push(open);
    }
    open.members.push(member);
    open.bytes += bytes;
  }
  return bundles;
}
