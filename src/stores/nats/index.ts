import type { StoreFactory } from '../../core/store.js';
import { KnownRecords } from '../shared/known-records.js';
import { NatsStore } from './nats-store.js';
import { type NatsStoreOptions, natsSettings } from './options.js';

export type { NatsStoreOptions } from './options.js';

/*
 * How the log stands in a stream, and why. It needs nothing of a server after 2.9.
 *
 * - A *commit* is what concurrent appends of a node are gathered into. It is written as one message for each topic (a
 *   *part*), to a subject of that topic alone. So a topic is read by the server's index of subjects, and never by looking
 *   through others' notifications.
 * - Every part is published with the sequence it expects to follow, and every part but the first also with the id of the
 *   part before. So the parts of a commit stand next to each other, and its last one is there only if all others are: it
 *   makes the commit visible. Without that, an array over several topics could be seen in part, or for ever stay so when
 *   its node dies: 2.9 has no transaction over several messages.
 * - A node so writes only when it knows all that the log holds. That is what makes ids safe: the newest ones are in the
 *   memory of every node, and one that came in meanwhile, alone or in an array, from whatever node, makes the server refuse
 *   the commit, which is then laid out anew. `Nats-Msg-Id` alone could not do that, as it has no room for the ids of an
 *   array.
 * - A commit whose fate is unknown (no answer in time) is never sent again as it was: the node first reads the log up to
 *   its end. If the old one still arrives after that, one of the two is refused.
 * - Parts that are followed by anything but the next part of their commit are void, for everybody alike; so a node that
 *   dies amid a commit blocks the others for half a second, and only once.
 * - Positions: a commit ends at its last part's sequence × 10,000, and its drafts have the positions up to there. All of
 *   one commit become visible at once, so no reader can pass a position that comes later.
 * - Each part says which position is the highest before it. When retention has removed what came before, the oldest part
 *   left tells up to where, exactly.
 * - The epoch and its secret stand in the stream's description, and subjects have a random token: a stream that is made
 *   anew is another log, even for what is still under way to the old one.
 * - After every interruption a node checks that the stream still holds the last commit that it has seen. If not, the server
 *   has lost acknowledged notifications. The node finds the last commit that is kept, and proposes an epoch that continues
 *   the old one up to there: as a message that the server stores only if no other node has proposed one. Every node that
 *   reads the proposal writes it into the description, so a node may die in between.
 */

/**
 * A store in a stream of NATS JetStream, for any number of nodes. Works with nats-server from 2.9.
 *
 * Needs `@nats-io/transport-node` and `@nats-io/jetstream` (3.x) to be installed.
 *
 * - **Durability**: what the stream's is. With one replica an acknowledged notification survives `kill -9` of the server;
 *   against a power failure, configure `jetstream { sync_interval: always }` (from 2.10; before, the server synchronises in
 *   the background only) or `replicas: 3` in a cluster. If the server loses acknowledged
 *   notifications while a node runs, that node begins a new epoch. Each client gets a gap, and only clients beyond the
 *   last notification that is kept start over.
 * - **Order**: that of the stream, one for all topics and nodes. Positions are the stream's sequences × 10,000, not dense.
 * - **Idempotency**: `idempotencyMs` and `idempotencyCount`, over all nodes and over arrays and single notifications
 *   alike. A node reads the ids of that window when it starts; the clocks of nodes have no say in it.
 * - **Retention**: the stream's own limits; `retainCount` counts messages, of which each holds one notification or more.
 *   The options of the node that started last apply.
 * - **Bounds**: a notification must fit into the server's `max_payload` (1 MiB by default), and an array has at most 10,000.
 * - **Claims** are kept in a second stream, `<stream>-claims`, which is made with the first claim. If it is deleted while
 *   nodes run, the log begins a new epoch, so that no used ticket becomes good again.
 * - **Elections**: requests are sent again until a leader answers them. While the cluster has none,
 *   calls reject after `timeoutMs`; nodes go on within seconds after an election, in the same
 *   epoch.
 * - **Close** writes the appends that were called before it.
 * - **Nodes** take turns in writing: a node whose way to the server is much longer than others' waits longer under load.
 * - **Operator**: JetStream enabled with room for `retainBytes`, and, where permissions are restricted, those to publish
 *   to `<stream>.>`, `<stream>-claims.>` and `$JS.API.>`, and to subscribe to `_INBOX.>` (or the connection's `inboxPrefix`). The stream is
 *   made by the driver and belongs to it: nothing else may publish to it. Its description holds the secret that seals
 *   cursors: who may read it may read all notifications as well. To wipe the log, delete the stream.
 *
 * @throws RangeError when an option is out of its range; the message names it. The factory rejects with
 *   `store_unavailable` when the server cannot be reached within `timeoutMs`.
 */
export function natsStore(options: NatsStoreOptions = {}): StoreFactory {
  const settings = natsSettings(options);
  return async (runtime) => new KnownRecords(await NatsStore.open(settings, runtime), runtime.logger);
}
