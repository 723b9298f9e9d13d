import { connect } from 'nest-notifications/client';

/** Shows each notification of the caller's own topics until it is retracted. */
export function showUntilRetracted(url: string, list: Map<string, object>, signal: AbortSignal): void {
  const feed = connect({ url, signal });
  feed.onRetracted(({ topic, id }) => list.delete(`${topic} ${id}`));
  feed.subscribe((notification) => list.set(`${notification.topic} ${notification.id}`, notification));
}
