import type { InboxItem } from '../inbox/index.js';

/** The detail of the event `item-click`. */
export interface InboxItemClick {
  readonly item: InboxItem;
  /** The safe URL of the item, if any. The browser opens it, unless the event is canceled. */
  readonly url: string | undefined;
}
