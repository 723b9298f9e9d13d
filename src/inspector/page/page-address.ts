/**
 * The chosen feed, and a question about a notification, in the fragment of the page's address. The
 * browser does not send the fragment to the server.
 */
export interface PageAddress {
  readonly feed: string | undefined;
  readonly id: string;
  readonly subscriber: string;
  readonly topic: string;
}

export function addressOf(hash: string): PageAddress {
  const values = new URLSearchParams(hash.replace(/^#/, ''));
  return {
    feed: values.get('feed') ?? undefined,
    id: values.get('id') ?? '',
    subscriber: values.get('subscriber') ?? '',
    topic: values.get('topic') ?? '',
  };
}

export function hashOf({ feed, id, subscriber, topic }: PageAddress): string {
  const values = new URLSearchParams();
  for (const [name, value] of Object.entries({ feed, id, subscriber, topic })) if (value) values.set(name, value);
  return `#${values}`;
}
