import type { Inbox, InboxItem, InboxStatus } from '../inbox/index.js';
import { Announcer } from './announcer.js';
import { Arrivals } from './arrivals.js';
import { Bell } from './bell.js';
import { element } from './dom.js';
import type { InboxItemClick } from './events.js';
import { itemTextOf } from './item-text.js';
import { isApart, type Notice, Panel } from './panel.js';
import { place } from './placement.js';
import type { ItemAction, Row, RowSettings } from './row.js';
import { STYLES } from './styles.js';

/** Items that arrive in an open panel are marked as seen at most this often. */
const SEEN_MS = 1_000;
/** The ages of the items are updated while the panel is open. */
const AGES_MS = 30_000;

export interface ViewHandlers {
  readonly root: ShadowRoot;
  readonly onFilter: (status: InboxStatus) => void;
  readonly onRetry: () => void;
}

export interface ViewOptions {
  readonly status: InboxStatus;
  /** Undefined: all types. */
  readonly types: readonly string[] | undefined;
  readonly badge: 'unread' | 'unseen';
  readonly settings: RowSettings;
}

/** Shows an inbox in the shadow root of the element, and performs the user's operations on it. */
export class InboxView {
  readonly #host: HTMLElement;
  readonly #bell: Bell;
  readonly #panel: Panel;
  readonly #announcer: Announcer;
  readonly #arrivals = new Arrivals();
  #inbox: Inbox | undefined;
  #unsubscribe: (() => void) | undefined;
  #options: ViewOptions | undefined;
  #notice: Notice | undefined;
  /** `stopped`: the last page was empty or has failed, so only the button loads more. */
  #older: 'idle' | 'loading' | 'stopped' = 'idle';
  /** Items that were not announced yet. */
  #arrived: readonly InboxItem[] = [];
  #counts = '';
  #whileOpen: AbortController | undefined;
  /** The position up to which items are marked as seen. A rejected operation is not repeated. */
  #seenUpTo: string | undefined;
  #seenTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(host: HTMLElement, { root, onFilter, onRetry }: ViewHandlers) {
    this.#host = host;
    this.#panel = new Panel({
      onClick: (row, event) => this.#onItemClick(row, event),
      onAction: (item, action) => this.#act(item, action),
      onFilter,
      onMarkAll: () => this.#run((inbox) => inbox.markAllRead(undefined, this.#options)),
      onOlder: (isAsked) => void this.#loadOlder(isAsked),
      onRetry,
      onUndo: (item) => this.#run((inbox) => inbox.unarchive(item)),
    });
    this.#bell = new Bell(this.#panel.element);
    const live = element('div', { role: 'status', class: 'hidden' });
    this.#announcer = new Announcer(live);
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLES);
    root.adoptedStyleSheets = [sheet];
    root.append(this.#bell.element, this.#panel.element, live);
    this.#watchPanel(root);
  }

  /** Shows an inbox, or none. */
  show(inbox: Inbox | undefined, options?: ViewOptions): void {
    if (this.#options?.status !== options?.status) this.#listChanged();
    this.#options = options ?? this.#options;
    if (this.#inbox !== inbox) {
      this.#unsubscribe?.();
      this.#listChanged();
      this.#seenUpTo = undefined;
      this.#inbox = inbox;
      this.#unsubscribe = inbox?.subscribe(() => this.#render());
    }
    // The browser closes the panel of a removed element without an event.
    if (!this.#panel.isOpen) this.#closed();
    if (!inbox) {
      this.close();
      this.#announcer.stop();
    }
    this.#render();
  }

  open(): void {
    if (this.#host.isConnected && !this.#panel.isOpen) this.#panel.element.showPopover();
  }

  close(): void {
    if (this.#panel.isOpen) this.#panel.element.hidePopover();
  }

  focus(options?: FocusOptions): void {
    this.#bell.element.focus(options);
  }

  #watchPanel(root: ShadowRoot): void {
    const { element: panel } = this.#panel;
    let hadFocus = false;
    panel.addEventListener('beforetoggle', (event) => {
      hadFocus = panel.matches(':focus-within');
      if (event.newState !== 'open') return;
      // Without an inbox there is nothing to show.
      if (this.#inbox) this.#opening();
      else event.preventDefault();
    });
    panel.addEventListener('toggle', ({ newState }) => {
      if (newState === 'open') this.#opened();
      else this.#closed();
      // A click outside has moved the focus already. Otherwise the bell gets it. The browser may
      // leave the focus in the closed panel until it paints.
      const isLost = document.activeElement === document.body || panel.contains(root.activeElement);
      if (newState === 'closed' && hadFocus && isLost) this.focus({ preventScroll: true });
    });
    // An open panel would cover the element that the focus has moved to.
    root.addEventListener('focusout', (event) => {
      const { relatedTarget: to } = event as FocusEvent;
      if (to instanceof Node && !root.contains(to) && !this.#host.contains(to)) this.close();
    });
  }

  #opening(): void {
    place(this.#panel.element, this.#bell.element);
    this.#renderPanel();
  }

  #opened(): void {
    this.#bell.element.setAttribute('aria-expanded', 'true');
    this.#whileOpen?.abort();
    this.#whileOpen = new AbortController();
    const { signal } = this.#whileOpen;
    const again = (): void => place(this.#panel.element, this.#bell.element);
    addEventListener('resize', again, { signal, passive: true });
    addEventListener('scroll', again, { signal, passive: true, capture: true });
    document.addEventListener('visibilitychange', () => this.#markSeen(), { signal });
    const timer = setInterval(() => this.#showAges(), AGES_MS);
    signal.addEventListener('abort', () => clearInterval(timer));
    this.#panel.focus();
    this.#panel.watchEnd(true);
    this.#render();
  }

  #closed(): void {
    this.#bell.element.setAttribute('aria-expanded', 'false');
    this.#whileOpen?.abort();
    clearTimeout(this.#seenTimer);
    this.#seenTimer = undefined;
    this.#panel.watchEnd(false);
    this.#notice = undefined;
    this.#older = 'idle';
  }

  #showAges(): void {
    if (this.#options) this.#panel.list.showAges(this.#options.settings.formats);
  }

  #listChanged(): void {
    this.#arrivals.forget();
    this.#arrived = [];
    this.#notice = undefined;
    this.#older = 'idle';
  }

  #render(): void {
    const options = this.#options;
    if (!options) return;
    const { labels, formats } = options.settings;
    const counts = this.#inbox?.counts;
    const unread = counts ? formats.count(counts.unread, counts.cap) : '';
    const inBadge = counts?.[options.badge] ?? 0;
    this.#bell.update(
      counts?.unread ? labels.bell(unread) : labels.title,
      counts && inBadge > 0 ? formats.count(inBadge, counts.cap) : '',
    );
    if (this.#panel.isOpen) {
      this.#renderPanel();
      this.#markSeen();
    }
    this.#announce();
    this.#reportCounts();
  }

  #renderPanel(): void {
    const snapshot = this.#inbox?.snapshot;
    if (!snapshot || !this.#options) return;
    const { status, types, settings } = this.#options;
    const isLoadingOlder = this.#older === 'loading';
    this.#panel.update({ snapshot, status, types, settings, notice: this.#notice, isLoadingOlder });
  }

  /** Marks as seen the items that the user can see now. */
  #markSeen(): void {
    const inbox = this.#inbox;
    const cursor = inbox?.snapshot.cursor;
    if (!this.#panel.isOpen || document.visibilityState === 'hidden' || this.#seenTimer) return;
    if (!inbox || cursor === this.#seenUpTo || inbox.items.every(({ seen }) => seen)) return;
    if (!this.#options || isApart(this.#options.status)) return;
    this.#seenUpTo = cursor;
    this.#seenTimer = setTimeout(() => {
      this.#seenTimer = undefined;
      this.#markSeen();
    }, SEEN_MS);
    // The user has asked for nothing, so a failure needs no message.
    inbox.markAllSeen(undefined, this.#options).catch(() => undefined);
  }

  #announce(): void {
    const inbox = this.#inbox;
    // The first list is loaded when the inbox is live.
    if (inbox?.status !== 'live') return;
    const arrived = this.#arrivals.next(inbox.items);
    if (arrived.length === 0) return;
    this.#arrived = [...arrived, ...this.#arrived];
    this.#bell.ring();
    this.#announcer.say(() => {
      const [newest] = this.#arrived;
      const count = this.#arrived.length;
      this.#arrived = [];
      return newest && this.#options
        ? this.#options.settings.labels.arrived(count, itemTextOf(newest.notification, document.baseURI).title)
        : '';
    });
  }

  #reportCounts(): void {
    const counts = this.#inbox?.counts;
    const text = JSON.stringify(counts);
    if (!counts || text === this.#counts) return;
    this.#counts = text;
    this.#dispatch('counts-change', counts);
  }

  #onItemClick({ item, text: { url } }: Row, event: MouseEvent): void {
    const detail: InboxItemClick = { item, url };
    const isAllowed = this.#dispatch('item-click', detail, true);
    if (!isAllowed) event.preventDefault();
    if (!item.read) this.#run((inbox) => inbox.markRead(item));
    // Closes the panel if the page handles the click, or if the link opens in this tab.
    const opensElsewhere = event.ctrlKey || event.metaKey || event.shiftKey;
    if (!isAllowed || (url !== undefined && !opensElsewhere)) this.close();
  }

  #act(item: InboxItem, action: ItemAction): void {
    this.#run(
      (inbox) => inbox[action](item),
      action === 'archive' ? { text: 'archivedNotice', undo: item } : undefined,
    );
  }

  /** Performs an operation, and shows a notice if the server rejects it. */
  #run(operation: (inbox: Inbox) => Promise<void>, notice?: Notice): void {
    const inbox = this.#inbox;
    if (!inbox) return;
    this.#notice = notice;
    operation(inbox).catch(() => {
      if (this.#inbox !== inbox || inbox.status === 'closed') return;
      this.#notice = { text: 'changeFailed' };
      this.#renderPanel();
    });
    this.#renderPanel();
  }

  async #loadOlder(isAsked: boolean): Promise<void> {
    const inbox = this.#inbox;
    if (!inbox?.snapshot.more || this.#older === 'loading' || (this.#older === 'stopped' && !isAsked)) return;
    const before = inbox.items.length;
    this.#older = 'loading';
    this.#renderPanel();
    await inbox.loadOlder().catch(() => undefined);
    if (this.#inbox !== inbox) return;
    this.#older = inbox.items.length > before ? 'idle' : 'stopped';
    this.#renderPanel();
    // The observer reports the end again, if it is still in view.
    this.#panel.watchEnd(this.#panel.isOpen);
  }

  /** Returns false if a listener has canceled the event. */
  #dispatch(name: string, detail: unknown, cancelable = false): boolean {
    return this.#host.dispatchEvent(new CustomEvent(name, { detail, cancelable, bubbles: true, composed: true }));
  }
}
