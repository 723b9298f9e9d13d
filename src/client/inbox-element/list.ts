import type { InboxItem } from '../inbox/index.js';
import { element } from './dom.js';
import type { Formats } from './formats.js';
import { Row, type RowHandlers, type RowSettings } from './row.js';

/** The items, newest first. The list is one tab stop, and the arrow keys move in it. */
export class ItemList {
  readonly element = element('ul', { role: 'list', part: 'list' });
  readonly #handlers: RowHandlers;
  /** The rows by item id, in the order of the list. */
  #rows = new Map<string, Row>();
  #current: Row | undefined;

  constructor(handlers: RowHandlers) {
    this.#handlers = handlers;
    this.element.addEventListener('keydown', (event) => this.#onKey(event));
    this.element.addEventListener('focusin', ({ target }) => {
      const row = [...this.#rows.values()].find(({ element: li }) => li.contains(target as Node));
      if (row) this.#setCurrent(row);
    });
  }

  /**
   * Shows the items. Rows that stay are not moved, because a moved element loses the focus. If the
   * focused row is removed, the next one gets the focus.
   *
   * @returns True if the list had the focus, and has no row left to focus.
   */
  update(items: readonly InboxItem[], settings: RowSettings): boolean {
    const focused = this.#focusedRow();
    const order = [...this.#rows.values()];
    const rows = new Map<string, Row>();
    for (const item of items) {
      const id = item.notification.id;
      const row = this.#rows.get(id) ?? new Row(item, this.#handlers);
      row.update(item, settings);
      rows.set(id, row);
    }
    this.#rows = rows;
    const kept = new Set(rows.values());
    const at = this.#current ? order.indexOf(this.#current) : -1;
    const next =
      order.slice(at).find((row) => kept.has(row)) ?? order.slice(0, Math.max(0, at)).findLast((row) => kept.has(row));
    for (const row of order) if (!kept.has(row)) row.element.remove();
    this.#arrange(rows.values());
    if (!this.#current || !kept.has(this.#current)) this.#setCurrent(next ?? rows.values().next().value);
    if (!focused || kept.has(focused)) return false;
    return !this.focus();
  }

  /** Moves the focus to the current row. Returns false if the list is empty. */
  focus(): boolean {
    this.#current?.main.focus();
    return this.#current !== undefined;
  }

  showAges(formats: Formats): void {
    for (const row of this.#rows.values()) row.showAge(formats);
  }

  #arrange(rows: Iterable<Row>): void {
    let at = this.element.firstElementChild;
    for (const { element: li } of rows) {
      if (li === at) at = at.nextElementSibling;
      else this.element.insertBefore(li, at);
    }
  }

  #focusedRow(): Row | undefined {
    return this.#current?.element.matches(':focus-within') ? this.#current : undefined;
  }

  #setCurrent(row: Row | undefined): void {
    if (this.#current === row) return;
    if (this.#current) this.#current.reachable = false;
    if (row) row.reachable = true;
    this.#current = row;
  }

  #onKey(event: KeyboardEvent): void {
    const row = this.#focusedRow();
    if (!row || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === 'Delete') {
      event.preventDefault();
      this.#handlers.onAction(row.item, row.item.archived ? 'remove' : 'archive');
      return;
    }
    const target = this.#target(row, event.key);
    if (!target) return;
    event.preventDefault();
    target.focus();
  }

  /** The element that a key moves to. */
  #target(row: Row, key: string): HTMLElement | undefined {
    const rows = [...this.#rows.values()];
    const at = rows.indexOf(row);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[key];
    if (to !== undefined) return rows[Math.min(Math.max(to, 0), rows.length - 1)]?.main;
    const isForward = getComputedStyle(this.element).direction === 'rtl' ? 'ArrowLeft' : 'ArrowRight';
    if (key !== 'ArrowLeft' && key !== 'ArrowRight') return undefined;
    const stop = row.stops.findIndex((one) => one.matches(':focus'));
    return row.stops[Math.min(Math.max(stop + (key === isForward ? 1 : -1), 0), row.stops.length - 1)];
  }
}
