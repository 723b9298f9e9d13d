import { useOrderFeed } from './use-order-feed.js';

/** The state of the feed in words. */
const TEXTS = {
  connecting: 'Connecting…',
  live: 'Live',
  waiting: 'Reconnecting…',
  offline: 'Offline',
  closed: 'Disconnected',
} as const;

export function ConnectionPill() {
  const { phase } = useOrderFeed().state;
  return (
    <p className="pill" data-phase={phase} role="status">
      <span className="dot" aria-hidden="true" />
      {TEXTS[phase]}
    </p>
  );
}
