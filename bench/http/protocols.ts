/** The requests that the clients of a server send, and the cursors in its answers. */
export interface Protocol {
  /** The path and query of a poll. The first poll has no cursor. */
  readonly poll?: (topics: readonly string[], cursor: string | undefined) => string;
  /** Returns the cursor in the head or body of an answer. */
  readonly cursorOf?: (answer: string) => string | undefined;
  readonly stream?: string;
}

const cursorInBody = (answer: string): string | undefined => /"cursor":"([^"]+)"/.exec(answer)?.[1];
const query = (cursor: string | undefined): string => (cursor === undefined ? '' : `&cursor=${cursor}`);

/** The protocol of the node:http server and of this library. */
export const FEED: Protocol = {
  poll: (topics, cursor) => `/notifications?${topics.map((topic) => `topic=${topic}`).join('&')}${query(cursor)}`,
  cursorOf: cursorInBody,
  stream: '/notifications?topic=orders',
};

/** Without a cursor: notifications between two polls are lost. */
export const NAIVE: Protocol = { poll: () => '/notifications', cursorOf: () => undefined, stream: '/stream' };

export const STREAM_ONLY: Protocol = { stream: '/stream' };

/** Two headers of the answer carry a position, and a request sends it as an event id. */
export const NCHAN: Protocol = {
  poll: (topics, cursor) =>
    `/notifications?topic=${topics.join()}${cursor === undefined ? '' : `&last_event_id=${cursor}`}`,
  cursorOf: (answer) => {
    const [, modified = ''] = /last-modified: (.+)/i.exec(answer) ?? [];
    return `${Date.parse(modified) / 1000}:${/etag: (\S+)/i.exec(answer)?.[1]}`;
  },
  stream: '/stream?topic=orders',
};

export const DURABLE: Protocol = {
  poll: (_, cursor) => `/v1/stream/orders?offset=${cursor ?? 'now'}&live=long-poll`,
  cursorOf: (answer) => /stream-next-offset: (\S+)/i.exec(answer)?.[1],
};
