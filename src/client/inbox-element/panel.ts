import type { InboxItem, InboxSnapshot, InboxStatus } from '../inbox/index.js';
import { button, element, setAttributes, setText, show } from './dom.js';
import type { InboxLabels } from './labels.js';
import { ItemList } from './list.js';
import type { RowHandlers, RowSettings } from './row.js';

/** The lists that have a button. */
const FILTERS = ['inbox', 'unread', 'archived'] as const;

/** Handles the events of the panel. */
export interface PanelHandlers extends RowHandlers {
  onFilter(status: InboxStatus): void;
  onMarkAll(): void;
  /** @param isAsked - False if the end of the list was scrolled into view. */
  onOlder(isAsked: boolean): void;
  onRetry(): void;
  onUndo(item: InboxItem): void;
}

/** A message about the last change. */
export interface Notice {
  readonly text: keyof InboxLabels & ('archivedNotice' | 'changeFailed');
  /** The item that can be moved back. */
  readonly undo?: InboxItem | undefined;
}

/** The content of the panel. */
export interface PanelView {
  readonly snapshot: InboxSnapshot;
  readonly status: InboxStatus;
  readonly types: readonly string[] | undefined;
  readonly settings: RowSettings;
  readonly notice: Notice | undefined;
  readonly isLoadingOlder: boolean;
}

/** The panel with the list. */
export class Panel {
  readonly element: HTMLElement;
  readonly list: ItemList;
  readonly #title = element('h2', { part: 'title' });
  readonly #markAll: HTMLButtonElement;
  readonly #filter = element('div', { role: 'group', part: 'filter' });
  readonly #filters = new Map<InboxStatus, HTMLButtonElement>();
  readonly #connection = element('span');
  readonly #retry: HTMLButtonElement;
  readonly #connectionBar: HTMLElement;
  readonly #message = element('span');
  readonly #undo: HTMLButtonElement;
  readonly #messageBar: HTMLElement;
  readonly #loading = element('p', { part: 'loading' });
  readonly #emptyText = element('span');
  readonly #empty: HTMLElement;
  readonly #older: HTMLButtonElement;
  readonly #end: IntersectionObserver;
  #view: PanelView | undefined;

  constructor(handlers: PanelHandlers) {
    this.list = new ItemList(handlers);
    this.#markAll = button({ part: 'button mark-all' }, () => {
      if (this.#view && unreadIn(this.#view) > 0) handlers.onMarkAll();
    });
    for (const status of FILTERS) {
      const made = button({ part: 'button' }, () => handlers.onFilter(status));
      this.#filters.set(status, made);
      this.#filter.append(made);
    }
    this.#retry = button({ part: 'button' }, () => handlers.onRetry());
    this.#undo = button({ part: 'button' }, () => {
      const item = this.#view?.notice?.undo;
      if (item) handlers.onUndo(item);
    });
    this.#connectionBar = element('p', { part: 'notice' }, this.#connection, this.#retry);
    this.#messageBar = element('p', { part: 'notice', role: 'status' }, this.#message, this.#undo);
    this.#empty = element('div', { part: 'empty' }, element('slot', { name: 'empty' }, this.#emptyText));
    this.#older = button({ part: 'button older' }, () => handlers.onOlder(true));
    const title = element('slot', { name: 'header' }, this.#title);
    const header = element('div', { part: 'header' }, title, this.#markAll, this.#filter);
    const scroll = element('div', { part: 'scroll' }, this.list.element, this.#empty, this.#loading, this.#older);
    this.element = element(
      'div',
      { part: 'panel', popover: 'auto', role: 'dialog', tabindex: '-1' },
      header,
      this.#connectionBar,
      this.#messageBar,
      scroll,
      element('slot', { name: 'footer' }),
    );
    this.element.addEventListener('keydown', (event) => {
      if (event.key === 'ArrowDown' && event.target === this.element && this.list.focus()) event.preventDefault();
    });
    this.#end = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting) handlers.onOlder(false);
      },
      { root: scroll, rootMargin: '200px' },
    );
  }

  get isOpen(): boolean {
    return this.element.matches(':popover-open');
  }

  /** Watches the end of the list: older items load before it scrolls into view. */
  watchEnd(isWatching: boolean): void {
    this.#end.disconnect();
    if (isWatching) this.#end.observe(this.#older);
  }

  focus(): void {
    if (!this.list.focus()) this.element.focus();
  }

  update(view: PanelView): void {
    this.#view = view;
    const { snapshot, status, settings } = view;
    this.#setTexts(settings.labels);
    setAttributes(this.#markAll, { 'aria-disabled': String(unreadIn(view) === 0) });
    this.#show(this.#markAll, !isApart(status));
    for (const [each, made] of this.#filters) setAttributes(made, { 'aria-pressed': String(each === status) });
    this.#updateBars(view);
    const { items, more } = snapshot;
    const isEmpty = items.length === 0 && !more;
    show(this.#empty, isEmpty && snapshot.status === 'live');
    show(this.#loading, isEmpty && (snapshot.status === 'loading' || snapshot.status === 'idle'));
    if (this.list.update(items, settings)) this.element.focus();
    this.#show(this.#older, more);
  }

  #setTexts(labels: InboxLabels): void {
    setAttributes(this.element, { 'aria-label': labels.title });
    setAttributes(this.#filter, { 'aria-label': labels.filter });
    setAttributes(this.list.element, { 'aria-label': labels.title });
    setText(this.#title, labels.title);
    setText(this.#markAll, labels.markAllRead);
    for (const [status, made] of this.#filters) setText(made, labels[status as (typeof FILTERS)[number]]);
    setText(this.#retry, labels.retry);
    setText(this.#undo, labels.undo);
    setText(this.#loading, labels.loading);
    setText(this.#older, this.#view?.isLoadingOlder ? labels.loading : labels.older);
    const empty = { unread: labels.emptyUnread, archived: labels.emptyArchived } as Partial<
      Record<InboxStatus, string>
    >;
    setText(this.#emptyText, empty[this.#view?.status ?? 'inbox'] ?? labels.empty);
  }

  #updateBars({ snapshot, notice, settings: { labels } }: PanelView): void {
    const isOffline = snapshot.status === 'offline';
    setText(this.#connection, isOffline ? labels.offline : labels.error);
    // `error` may belong to an operation, which has its own message.
    this.#show(this.#connectionBar, isOffline || snapshot.status === 'closed');
    this.#show(this.#undo, notice?.undo !== undefined);
    setText(this.#message, notice ? labels[notice.text] : '');
    this.#show(this.#messageBar, notice !== undefined);
  }

  /**
   * Shows or hides an element. If the hidden element had the focus, the focus moves to the panel.
   */
  #show(target: HTMLElement, isShown: boolean): void {
    const hadFocus = !isShown && target.matches(':focus-within');
    show(target, isShown);
    if (hadFocus) this.element.focus();
  }
}

/**
 * True for the lists whose items do not count: `archived` and `snoozed`. In these lists, "Mark all"
 * would change the items of the inbox instead.
 */
export function isApart(status: InboxStatus): boolean {
  return status === 'archived' || status === 'snoozed';
}

/** The unread items of the shown types. Above the cap, the counts by type may lack older items. */
function unreadIn({ snapshot: { counts }, types }: PanelView): number {
  return types && counts.unread <= counts.cap
    ? types.reduce((sum, type) => sum + (counts.types[type] ?? 0), 0)
    : counts.unread;
}
