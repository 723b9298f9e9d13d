import type { Answer } from '../support/history/history.js';
import type { Retraction } from '../../src/core/retraction.js';
import type { Wire } from './connection.js';
import type { Process, Reply } from './node.js';
import { recordOf } from './retractions.js';

export interface Asking {
  readonly kind: 'poll' | 'stream';
  readonly limit: number;
  readonly waitMs: number;
  readonly lifetimeMs: number;
  /** The application revokes a topic while the node checks the ticket of the request. */
  readonly isRevokedDuringCheck?: boolean;
}

/** A reply, and the time at which the node sent it. */
export type SentReply = Reply & { readonly sentMs: number };

/** A request of a client that has no complete answer yet. */
export interface Exchange {
  readonly process: Process;
  readonly asking: Asking;
  readonly topics: readonly string[];
  readonly replies: Wire<SentReply>;
  from: string;
  askedMs: number;
  /** When the node sent the reply that the client takes. */
  sentMs: number;
  /** The received part of a block without its `id:`. */
  part: Pick<Answer, 'notifications' | 'gap'>;
  end: () => void;
}

/** The part at the start of a block. */
export const NOTHING: Exchange['part'] = { notifications: [], gap: undefined };

/** Adds a block of a stream to the part before it. A block with an `id` completes the answer. */
export function readBlock(block: string, before: Exchange['part']): { id: string | undefined; part: Exchange['part'] } {
  const fields = new Map(
    block.split('\n').map((line): [string, string] => {
      const at = line.indexOf(': ');
      return [line.slice(0, at), line.slice(at + 2)];
    }),
  );
  const [event, data, id] = [fields.get('event'), fields.get('data'), fields.get('id')];
  let { notifications, gap } = before;
  if (event === 'gap') gap = (JSON.parse(data!) as { reason: Answer['gap'] }).reason;
  else if (event === 'retracted') {
    const retraction = JSON.parse(data!) as Retraction;
    notifications = [...notifications, { id: recordOf(retraction), topic: retraction.topic }];
  } else if (event === undefined && data !== undefined) {
    notifications = [...notifications, JSON.parse(data) as Answer['notifications'][number]];
  }
  return { id, part: { notifications, gap } };
}
