import { createInbox, type InboxSnapshot, queueIn, type RemovableStorage } from 'nest-notifications/client/inbox';

interface View {
  /** Shows the list and the badge, and keeps the snapshot for `onMarkAll`. */
  render(snapshot: InboxSnapshot): void;
  onItemClick(listener: (id: string) => void): void;
  onMarkAll(listener: (shown: InboxSnapshot) => void): void;
  onScrollEnd(listener: () => void): void;
}

interface User {
  readonly id: string;
  readonly token: string;
}

/** Shows the inbox of a user until the signal aborts. */
export function showInbox(url: string, user: User, view: View, signal: AbortSignal): void {
  const inbox = createInbox({ url, auth: () => user.token, queue: storedFor(user), signal });
  inbox.subscribe(() => {
    view.render(inbox.snapshot);
  });
  view.onItemClick((id) => void inbox.markRead(id));
  view.onMarkAll((shown) => void inbox.markAllRead(shown));
  view.onScrollEnd(() => void inbox.loadOlder());
}

/** Operations survive a reload. Each user has a queue of their own. */
function storedFor({ id }: User) {
  const { sessionStorage } = globalThis as { sessionStorage?: RemovableStorage };
  return sessionStorage && queueIn(sessionStorage, id);
}
