import type { StoreFactory } from '../../core/store.js';
import { KnownRecords } from '../shared/known-records.js';
import { withRetention } from '../shared/with-retention.js';
import { NatsStore } from './nats-store.js';
import { type NatsStoreOptions, natsSettings } from './options.js';

export type { NatsStoreOptions } from './options.js';

/*
 * How the log is kept in a stream. Everything works with nats-server 2.9; later versions read pages
 * faster.
 *
 * - A *commit* holds the concurrent appends of a node. It is written as one message per topic (a
 *   *part*), to a subject of that topic. So the server's index of subjects finds the notifications
 *   of a topic, and no read scans those of other topics. Each segment of a topic is a token of the
 *   subject, so the same index finds the topics of a pattern.
 * - Each part states the sequence that it expects before it. Each part but the first also states
 *   the id of the part before. So the parts of a commit are adjacent, and the last part is stored
 *   only if all others are. The last part makes the commit visible. Without it, an array over
 *   several topics could be visible in part. 2.9 has no transaction over several messages.
 * - So a node can write only if it knows the whole log. That makes ids safe: every node has the
 *   newest ids in memory. If another node has stored a message meanwhile, the server rejects the
 *   commit, and the node makes it again without the ids that it now knows. `Nats-Msg-Id` alone has
 *   no room for the ids of an array.
 * - Nodes that write at the same time would reject each other's commits again and again. So the
 *   node that loses a race forwards its appends to the winner: see `Lease` and `Forwarding`.
 * - After a commit without an answer the node first reads the log to its end. If the old commit
 *   still arrives later, the server rejects one of the two.
 * - If another message follows an unfinished commit, the parts of that commit are void for all
 *   nodes. A node that dies within a commit delays the others once, by half a second.
 * - Positions: a commit ends at the sequence of its last part × 10,000. Its drafts have consecutive
 *   positions, and the last draft has the position of the commit's end. All of them become visible
 *   at once, so no reader passes a position that appears later.
 * - Each part states the highest position before it. So the oldest part shows exactly which
 *   positions retention has removed.
 * - The description of the stream holds the epoch and its secret. The subjects contain a random
 *   token, so a message for a deleted stream never reaches the stream that is created after it.
 * - After every interruption a node checks that the stream still holds the last commit that it has
 *   seen. If not, the server has lost acknowledged notifications. The node finds the last commit
 *   that is kept, and proposes an epoch that continues the old one up to that commit. The proposal
 *   is a message, and the server stores only one. Every node that reads the proposal writes it into
 *   the description. So the change completes even if the proposing node dies.
 * - A loss while no node ran cannot be seen in the stream. So a node also proposes an epoch if a
 *   single server has restarted since the present one began: see `ServerRun`.
 */

/**
 * A store in a stream of NATS JetStream, for any number of nodes. Works with nats-server from 2.9.
 *
 * Needs `@nats-io/transport-node` and `@nats-io/jetstream` (3.x) to be installed.
 *
 * - **Durability**: as durable as the stream. With one replica an acknowledged notification
 *   survives `kill -9` of the server. Against a power failure use `replicas: 3` in a cluster, or
 *   configure `jetstream { sync_interval: always }` (2.10 or later).
 * - **Restarts**: a restart of a single server may follow a power failure, so each client gets one
 *   gap. Only clients whose cursor is after the last kept notification start over. With replicas or
 *   `syncAlways: true` a restart costs no gap. If the server still loses acknowledged
 *   notifications, a running node that has seen them begins a new epoch.
 * - **Order**: the order of the stream, the same for all topics and nodes. Positions are the
 *   stream's sequences × 10,000, not dense.
 * - **Idempotency**: `idempotencyMs` and `idempotencyCount`, over all nodes, for arrays and single
 *   notifications. A node reads the ids of that window when it starts, and its first append waits
 *   for them. Nothing depends on the clocks of nodes.
 * - **Retention**: the stream's own limits. `retainCount` counts messages, and each holds one
 *   notification or more. The options of the node that started last apply.
 * - **Bounds**: a notification must fit into the server's `max_payload` (1 MiB by default). An
 *   array holds at most 10,000 notifications.
 * - **Claims** are in a second stream, `<stream>-claims`, which the first claim creates. If it is
 *   deleted while nodes run, the log begins a new epoch, so that no used ticket is accepted again.
 * - **Elections**: requests are sent again until a leader answers. While the cluster has no
 *   leader, calls reject after `timeoutMs`. After an election nodes recover within seconds, in the
 *   same epoch.
 * - **Close** writes the appends that were called before it.
 * - **Several nodes**: nodes that append at the same time forward their appends to one of them, see
 *   `forwardAppends`. If that node does not answer within a second, each node writes its own
 *   appends.
 * - **Operator**: enable JetStream with room for `retainBytes`. Restricted accounts need
 *   permission to publish to `<stream>.>`, `<stream>-claims.>` and `$JS.API.>`, and to subscribe
 *   to `<stream>.writer.>` and `_INBOX.>` (or the connection's `inboxPrefix`). The driver creates
 *   the stream, and nothing else may publish to `<stream>.>`. Its description holds the secret
 *   that seals cursors, so permission to read the description is permission to read all
 *   notifications. To clear the log, delete the stream.
 *
 * @throws RangeError when an option is out of its range; the message names it. The factory rejects
 *   with `store_unavailable` when the server cannot be reached within `timeoutMs`.
 */
export function natsStore(options: NatsStoreOptions = {}): StoreFactory {
  const settings = natsSettings(options);
  return withRetention(
    settings,
    async (runtime) => new KnownRecords(await NatsStore.open(settings, runtime), runtime.logger),
  );
}
