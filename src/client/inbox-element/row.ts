import type { InboxItem } from '../inbox/index.js';
import { button, element, icon, setAttributes, setText } from './dom.js';
import type { Formats } from './formats.js';
import { ACTION_ICONS } from './icons.js';
import { type ItemText, itemTextOf } from './item-text.js';
import type { InboxLabels } from './labels.js';

/** Operations on one item. */
export type ItemAction = keyof typeof ACTION_ICONS;

/**
 * Returns the content of an item: a node, or a text. The text never becomes markup. Undefined means
 * the default content.
 */
export type InboxItemRenderer = (item: InboxItem) => Node | string | undefined;

/** The settings of all rows. Each change of a setting creates a new `RowSettings` object. */
export interface RowSettings {
  readonly labels: InboxLabels;
  readonly formats: Formats;
  readonly renderer: InboxItemRenderer | undefined;
}

/** Handles the events of rows. */
export interface RowHandlers {
  /** A click on the content. */
  onClick(row: Row, event: MouseEvent): void;
  onAction(item: InboxItem, action: ItemAction): void;
}

/** One item of the list. Its nodes live as long as the item is shown, so they keep the focus. */
export class Row {
  readonly element: HTMLLIElement;
  /** The link or the button that has the content. */
  readonly main: HTMLElement;
  /** The elements of the row that can have the focus, in document order. */
  readonly stops: readonly HTMLElement[];
  readonly text: ItemText;
  item: InboxItem;
  readonly #unread = element('span', { class: 'hidden' });
  readonly #content = element('span', { class: 'content' });
  readonly #time: HTMLTimeElement;
  readonly #buttons: readonly HTMLButtonElement[];
  #settings: RowSettings | undefined;
  #actions: readonly [ItemAction, ItemAction] = ['markRead', 'archive'];

  constructor(item: InboxItem, handlers: RowHandlers) {
    this.item = item;
    this.text = itemTextOf(item.notification, document.baseURI);
    this.#time = element('time', { part: 'item-time', datetime: item.notification.time });
    const parts = [this.#unread, this.#content, this.#time];
    this.main =
      this.text.url === undefined
        ? element('button', { type: 'button', class: 'main', part: 'item-content' }, ...parts)
        : element(
            'a',
            { href: this.text.url, rel: 'noopener noreferrer', class: 'main', part: 'item-content' },
            ...parts,
          );
    this.main.addEventListener('click', (event) => handlers.onClick(this, event));
    const action = (index: 0 | 1): HTMLButtonElement =>
      button({ class: 'action', part: 'action' }, () => handlers.onAction(this.item, this.#actions[index]));
    this.#buttons = [action(0), action(1)];
    this.stops = [this.main, ...this.#buttons];
    this.element = element('li', {}, this.main, element('span', { class: 'actions' }, ...this.#buttons));
    this.reachable = false;
  }

  /** Only one row is in the tab order. The arrow keys choose it. */
  set reachable(isReachable: boolean) {
    for (const target of this.stops) target.tabIndex = isReachable ? 0 : -1;
  }

  update(item: InboxItem, settings: RowSettings): void {
    if (this.item === item && this.#settings === settings) return;
    this.item = item;
    this.#settings = settings;
    const { labels, formats } = settings;
    setAttributes(this.element, { part: item.read ? 'item' : 'item unread' });
    setText(this.#unread, item.read ? '' : labels.unreadItem);
    this.#content.replaceChildren(...this.#contentOf(settings.renderer));
    setAttributes(this.#time, { title: formats.moment(item.notification.time) });
    this.#actions = item.archived ? ['unarchive', 'remove'] : [item.read ? 'markUnread' : 'markRead', 'archive'];
    for (const [index, target] of this.#buttons.entries()) {
      const action = this.#actions[index] ?? 'archive';
      setAttributes(target, { 'aria-label': `${labels[action]}: ${this.text.title}`, title: labels[action] });
      target.replaceChildren(icon(ACTION_ICONS[action]));
    }
    this.showAge(formats);
  }

  showAge(formats: Formats): void {
    setText(this.#time, formats.age(this.item.notification.time, Date.now()));
  }

  #contentOf(renderer: InboxItemRenderer | undefined): readonly (Node | string)[] {
    try {
      const content = renderer?.(this.item);
      if (content !== undefined) return [content];
    } catch (error) {
      // A broken renderer must not stop the list. The error appears in the console.
      reportError(error);
    }
    const { title, body } = this.text;
    // `dir=auto` isolates the text: its direction cannot change the text around it.
    const first = element('span', { part: 'item-title', dir: 'auto' }, title);
    return body ? [first, element('span', { part: 'item-body', dir: 'auto' }, body)] : [first];
  }
}
