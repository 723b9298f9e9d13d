/// <reference lib="dom" />
/** The element `<notification-inbox>`: a bell with a badge, and a panel with the items. */
import { NotificationInboxElement } from './element.js';

export { NotificationInboxElement };
export type { InboxItemClick } from './events.js';
export type { InboxLabels } from './labels.js';
export type { InboxItemRenderer } from './row.js';

/**
 * Defines the element. Does nothing if the name is defined already, or outside of a browser.
 *
 * @param name - The name of the element. It must contain a hyphen.
 */
export function defineInboxElement(name = 'notification-inbox'): void {
  if (!('customElements' in globalThis) || customElements.get(name)) return;
  // A class can have one name only.
  customElements.define(name, class extends NotificationInboxElement {});
}

declare global {
  interface HTMLElementTagNameMap {
    'notification-inbox': NotificationInboxElement;
  }
}
