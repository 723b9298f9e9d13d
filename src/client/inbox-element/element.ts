import { createInbox, type Inbox, type InboxFilter, type InboxOptions, type InboxStatus } from '../inbox/index.js';
import type { Credentials } from '../options.js';
import { Formats } from './formats.js';
import { ENGLISH, type InboxLabels } from './labels.js';
import type { InboxItemRenderer, RowSettings } from './row.js';
import { InboxView } from './view.js';

const ATTRIBUTES = ['url', 'status', 'types', 'limit', 'credentials', 'badge', 'lang'] as const;
/** Properties that a page may set before the element is defined. */
const PROPERTIES = [...ATTRIBUTES, 'theme', 'inbox', 'auth', 'labels', 'itemRenderer'] as const;

const NO_FILTER = JSON.stringify({ status: 'inbox' });

/** Node.js has no class `HTMLElement`. The entry can be imported there, but not used. */
const Base = 'HTMLElement' in globalThis ? HTMLElement : (Object as unknown as typeof HTMLElement);

/**
 * The element `<notification-inbox>`: a bell with a badge, and a panel with the items.
 *
 * ```html
 * <notification-inbox url="/inbox"></notification-inbox>
 * ```
 */
export class NotificationInboxElement extends Base {
  /** @internal */
  static readonly observedAttributes: readonly string[] = ATTRIBUTES;
  readonly #view: InboxView;
  #given: Inbox | undefined;
  #auth: InboxOptions['auth'];
  #labels: InboxLabels = ENGLISH;
  #renderer: InboxItemRenderer | undefined;
  #settings: RowSettings | undefined;
  /** The inbox that the element has created, and the options that it was created with. */
  #own: { readonly inbox: Inbox; readonly key: string } | undefined;
  /** The inbox that the element has shown last, and the last filter of the element. */
  #filtered: { readonly inbox: Inbox | undefined; readonly key: string } | undefined;
  #isChanging = false;

  constructor() {
    super();
    this.#view = new InboxView(this, {
      root: this.attachShadow({ mode: 'open' }),
      onFilter: (status) => {
        this.status = status;
      },
      onRetry: () => this.#retry(),
    });
  }

  /** The URL of the inbox, such as `/inbox`. A relative URL refers to the page. */
  get url(): string {
    return this.getAttribute('url') ?? '';
  }
  set url(url: string) {
    this.setAttribute('url', url);
  }

  /** The list that is shown. @default inbox */
  get status(): InboxStatus {
    return (this.getAttribute('status') as InboxStatus | null) ?? 'inbox';
  }
  set status(status: InboxStatus) {
    this.setAttribute('status', status);
  }

  /** Only items of these types, separated by commas. Empty: all types. */
  get types(): string {
    return this.getAttribute('types') ?? '';
  }
  set types(types: string) {
    this.setAttribute('types', types);
  }

  /** The number of items in a page. 0: the default of the server. */
  get limit(): number {
    return Number(this.getAttribute('limit')) || 0;
  }
  set limit(limit: number) {
    this.setAttribute('limit', String(limit));
  }

  /** Whether requests have cookies, as in `fetch`. @default same-origin */
  get credentials(): Credentials {
    return (this.getAttribute('credentials') as Credentials | null) ?? 'same-origin';
  }
  set credentials(credentials: Credentials) {
    this.setAttribute('credentials', credentials);
  }

  /** The number in the badge: unread items, or items that were not shown yet. @default unread */
  get badge(): 'unread' | 'unseen' {
    return this.getAttribute('badge') === 'unseen' ? 'unseen' : 'unread';
  }
  set badge(badge: 'unread' | 'unseen') {
    this.setAttribute('badge', badge);
  }

  /**
   * `light`, `dark`, or `auto` for the preference of the user. Without the attribute, the element
   * has the color scheme of the page.
   */
  get theme(): string {
    return this.getAttribute('theme') ?? '';
  }
  set theme(theme: string) {
    this.setAttribute('theme', theme);
  }

  /**
   * The inbox that the element shows. A page may set its own one, for example to share a connection
   * between tabs. The element does not close it. If the page sets no inbox, the element creates one
   * while the element is in a document.
   */
  get inbox(): Inbox | undefined {
    return this.#given ?? this.#own?.inbox;
  }
  set inbox(inbox: Inbox | undefined) {
    this.#given = inbox;
    this.#changed();
  }

  /** The option `auth` of the client: returns a token, or headers. */
  get auth(): InboxOptions['auth'] {
    return this.#auth;
  }
  set auth(auth: InboxOptions['auth']) {
    this.#auth = auth;
    this.#closeOwn();
    this.#changed();
  }

  /** The texts. Texts that are left out are English. */
  get labels(): Partial<InboxLabels> {
    return this.#labels;
  }
  set labels(labels: Partial<InboxLabels>) {
    this.#labels = { ...ENGLISH, ...labels };
    this.#settings = undefined;
    this.#changed();
  }

  /** Returns the content of an item, instead of its title and body. */
  get itemRenderer(): InboxItemRenderer | undefined {
    return this.#renderer;
  }
  set itemRenderer(renderer: InboxItemRenderer | undefined) {
    this.#renderer = renderer;
    this.#settings = undefined;
    this.#changed();
  }

  /** Opens the panel. */
  showPanel(): void {
    this.#view.open();
  }

  /** Closes the panel. */
  hidePanel(): void {
    this.#view.close();
  }

  /** Moves the focus to the bell. */
  override focus(options?: FocusOptions): void {
    this.#view.focus(options);
  }

  /** @internal */
  connectedCallback(): void {
    for (const name of PROPERTIES) this.#upgrade(name);
    this.#changed();
  }

  /** @internal */
  disconnectedCallback(): void {
    // If a page moves the element, the update runs after the move, so the element keeps its inbox.
    this.#changed();
  }

  /** @internal */
  attributeChangedCallback(name: string, before: string | null, now: string | null): void {
    if (before === now) return;
    if (name === 'lang') this.#settings = undefined;
    this.#changed();
  }

  /** If a property was set before the element was defined, sets it again. */
  #upgrade(name: (typeof PROPERTIES)[number]): void {
    if (!Object.hasOwn(this, name)) return;
    const value: unknown = Reflect.get(this, name);
    Reflect.deleteProperty(this, name);
    Reflect.set(this, name, value);
  }

  /** Applies all changes of a task at once. */
  #changed(): void {
    if (this.#isChanging) return;
    this.#isChanging = true;
    queueMicrotask(() => {
      this.#isChanging = false;
      this.#apply();
    });
  }

  #apply(): void {
    if (!this.isConnected) {
      this.#view.show(undefined);
      this.#closeOwn();
      return;
    }
    if (this.#given) this.#closeOwn();
    const inbox = this.#given ?? this.#create();
    this.#applyFilter(inbox);
    this.#settings ??= { labels: this.#labels, formats: new Formats(languageOf(this)), renderer: this.#renderer };
    const { status = 'inbox', types } = this.#filter;
    this.#view.show(inbox, { status, types, badge: this.badge, settings: this.#settings });
  }

  get #filter(): InboxFilter {
    const types = this.types.split(',').flatMap((type) => type.trim() || []);
    return { status: this.status, types: types.length > 0 ? types : undefined };
  }

  /**
   * The element creates its own inbox with the filter. An inbox that the page has set receives the
   * filter only if the filter differs from the previous one.
   */
  #applyFilter(inbox: Inbox | undefined): void {
    const key = JSON.stringify(this.#filter);
    const first = inbox === this.#given ? NO_FILTER : key;
    const known = this.#filtered?.inbox === inbox ? this.#filtered?.key : first;
    if (known !== key) void inbox?.filter(this.#filter);
    this.#filtered = { inbox, key };
  }

  /** Creates the inbox of `url`, unless it exists already. */
  #create(): Inbox | undefined {
    const { url, limit, credentials } = this;
    const key = JSON.stringify([url, limit, credentials]);
    if (this.#own?.key === key) return this.#own.inbox;
    this.#closeOwn();
    if (!url) return undefined;
    const options = { url, credentials, limit: limit || undefined, auth: this.#auth };
    this.#own = { key, inbox: createInbox({ ...options, ...this.#filter }) };
    return this.#own.inbox;
  }

  #closeOwn(): void {
    this.#own?.inbox.close();
    this.#own = undefined;
  }

  /** A closed inbox stays closed, so the element replaces its own one. */
  #retry(): void {
    if (this.#own?.inbox.status === 'closed') this.#closeOwn();
    else void this.inbox?.reload();
    this.#changed();
  }
}

/** The language of the nearest element that has one. */
function languageOf(target: Element): string | undefined {
  return target.closest<HTMLElement>('[lang]')?.lang;
}
