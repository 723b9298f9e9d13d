import { button, element, setAttributes, setText, show } from '../../client/inbox-element/dom.js';

export interface Column<Row> {
  readonly title: string;
  readonly text: (row: Row) => string;
  /** The value by which the rows are sorted. Numbers begin with the largest one. */
  readonly sortBy: (row: Row) => number | string;
}

export interface SortableTableOptions<Row> {
  readonly title: string;
  /** The first column is the head of a row. */
  readonly columns: readonly Column<Row>[];
  /** The index of the column by which the rows are sorted first. */
  readonly sortedBy: number;
  /** The text that is shown if there are no rows. */
  readonly empty: string;
}

/** A table whose heads are buttons that sort the rows. */
export class SortableTable<Row> {
  readonly root: HTMLElement;
  readonly #options: SortableTableOptions<Row>;
  readonly #body = element('tbody');
  readonly #heads: readonly HTMLElement[];
  readonly #table: HTMLElement;
  readonly #empty: HTMLElement;
  #rows: readonly Row[] = [];
  #sortedBy: number;
  /** True if the sorted column begins with its smallest value. */
  #isAscending = false;

  constructor(options: SortableTableOptions<Row>) {
    const { title, columns, sortedBy, empty } = options;
    this.#options = options;
    this.#sortedBy = sortedBy;
    this.#heads = columns.map(({ title: name }, index) =>
      element(
        'th',
        { scope: 'col' },
        button({ class: 'sort' }, () => this.#sort(index), name),
      ),
    );
    this.#table = element(
      'table',
      {},
      element('caption', { class: 'hidden' }, title),
      element('thead', {}, element('tr', {}, ...this.#heads)),
      this.#body,
    );
    this.#empty = element('p', { class: 'muted' }, empty);
    this.root = element('div', {}, this.#table, this.#empty);
    this.#showOrder();
  }

  update(rows: readonly Row[]): void {
    this.#rows = rows;
    show(this.#empty, rows.length === 0);
    show(this.#table, rows.length > 0);
    this.#draw();
  }

  #sort(index: number): void {
    this.#isAscending = index === this.#sortedBy ? !this.#isAscending : this.#isText(index);
    this.#sortedBy = index;
    this.#showOrder();
    this.#draw();
  }

  #isText(index: number): boolean {
    const [row] = this.#rows;
    return row !== undefined && typeof this.#options.columns[index]?.sortBy(row) === 'string';
  }

  #showOrder(): void {
    for (const [index, head] of this.#heads.entries()) {
      const order = this.#isAscending ? 'ascending' : 'descending';
      setAttributes(head, { 'aria-sort': index === this.#sortedBy ? order : undefined });
    }
  }

  /** The table reuses its rows and changes only their texts, so a selection by the user is kept. */
  #draw(): void {
    const { columns } = this.#options;
    const sorted = this.#sorted();
    while (this.#body.rows.length > sorted.length) this.#body.deleteRow(-1);
    while (this.#body.rows.length < sorted.length) this.#body.append(createRow(columns.length));
    for (const [index, row] of sorted.entries()) {
      const cells = this.#body.rows[index]?.cells ?? [];
      for (const [column, { text }] of columns.entries()) {
        const cell = cells[column]?.firstElementChild;
        if (cell) setText(cell, text(row));
      }
    }
  }

  #sorted(): Row[] {
    const column = this.#options.columns[this.#sortedBy];
    if (!column) return [...this.#rows];
    const direction = this.#isAscending ? 1 : -1;
    return this.#rows.toSorted((a, b) => direction * compare(column.sortBy(a), column.sortBy(b)));
  }
}

function createRow(columns: number): HTMLElement {
  // `bdi`: a right-to-left name does not change the order of the line.
  const cells = Array.from({ length: columns }, (_, index) =>
    index === 0 ? element('th', { scope: 'row' }, element('bdi')) : element('td', {}, element('bdi')),
  );
  return element('tr', {}, ...cells);
}

function compare(a: number | string, b: number | string): number {
  return typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b), 'en');
}
