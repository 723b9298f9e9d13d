import { clockTime, element, fromTemplate, milliseconds, shortCursor } from './dom.js';
import { Latency } from './latency.js';
import { Sparkline } from './sparkline.js';

const NOTIFICATIONS_SHOWN = 50;
const REQUESTS_SHOWN = 6;
/** The most fields of `data` that are shown; the line ends with the number of the others. */
const FIELDS_SHOWN = 24;

const WHY_GAP = {
  reset: 'The server has a new log, as after a restart. The feed continues from the oldest notification in it.',
  expired: 'Some notifications are no longer kept. The feed continues from the oldest one that is kept.',
};

/**
 * One plain client on the page. Received data is shown as text, never as markup.
 */
export class Column {
  #parts;
  #root;
  #kind;
  #sparkline;
  #counts;
  /** @type {Map<object, HTMLTableRowElement>} */
  #rows = new Map();
  #running;
  latency;

  /** @param {{ name: string, kind: string }} client its name, and the technique that it uses */
  constructor({ name, kind }) {
    this.#kind = kind;
    const { root, parts } = fromTemplate('column');
    this.#root = root;
    this.#parts = parts;
    const { title, notifications, requests, url, curve } = parts;
    title.textContent = name;
    title.id = `${name.replace(/\W+/g, '-').toLowerCase()}-title`;
    root.setAttribute('aria-labelledby', title.id);
    notifications.setAttribute('aria-label', `Notifications by ${name}, newest first`);
    requests.closest('table').setAttribute('aria-label', `Requests by ${name}, newest first`);
    url.setAttribute('aria-label', `URL of the last request by ${name}`);
    this.#sparkline = new Sparkline(curve);
    this.reset();
  }

  get element() {
    return this.#root;
  }

  reset() {
    this.#counts = { received: 0, caughtUp: 0, gaps: 0 };
    this.latency = new Latency();
    this.#rows.clear();
    this.#running = undefined;
    const { notifications, empty, requests, cursor, url } = this.#parts;
    notifications.replaceChildren();
    empty.hidden = false;
    requests.replaceChildren();
    this.#showCounts();
    this.state('connecting', 'connecting');
    cursor.textContent = '–';
    url.textContent = '';
    this.drawLatency(1);
  }

  state(state, words, detail = '') {
    this.#root.dataset.state = state;
    this.#parts.state.textContent = words;
    this.#parts.kind.textContent = detail || this.#kind;
  }

  cursor(cursor) {
    this.#parts.cursor.textContent = shortCursor(cursor);
    this.#parts.cursor.title = cursor;
  }

  /**
   * `caughtUp`: the notification was published while this client was disconnected, so its latency
   * includes that time.
   */
  notification({ topic, type, time, data }, { latencyMs, caughtUp }) {
    this.#counts.received++;
    if (caughtUp) this.#counts.caughtUp++;
    this.#showCounts();
    this.latency.add(latencyMs, caughtUp);
    const line = element('p', { className: 'meta' });
    line.append(
      element('b', { text: type }),
      element('span', { className: 'topic', text: topic }),
      element('time', { text: clockTime(new Date(time)), title: time }),
      element('span', {
        className: caughtUp ? 'after late' : 'after',
        text: caughtUp ? `caught up, +${milliseconds(latencyMs)}` : `+${milliseconds(latencyMs)}`,
        title: 'from publish to arrival',
      }),
    );
    const item = element('li');
    item.append(line, fields(data));
    this.#show(item);
  }

  gap({ reason }) {
    this.#counts.gaps++;
    this.#showCounts();
    const item = element('li', { className: 'gap' });
    item.append(element('b', { text: `gap: ${reason}` }), element('span', { text: ` ${WHY_GAP[reason] ?? ''}` }));
    this.#show(item);
  }

  /** @param {number} scaleMs the same for all columns, so that they are comparable */
  drawLatency(scaleMs) {
    const summary = this.latency.summary();
    const { p50, count, longest, scale } = this.#parts;
    p50.textContent = summary ? milliseconds(summary.p50) : '–';
    scale.textContent = summary ? milliseconds(scaleMs) : '';
    count.textContent = summary ? `of the last ${summary.count}` : 'nothing measured yet';
    longest.textContent = summary ? `longest ${milliseconds(summary.max)}` : '';
    this.#sparkline.draw(this.latency, scaleMs);
  }

  /** Called repeatedly with the same object while the request is running. */
  request(request) {
    const row = this.#rows.get(request) ?? this.#addRow(request);
    const ended = request.heldMs !== undefined;
    row.classList.toggle('running', !ended);
    row.classList.toggle('failed', ended && request.error !== undefined && request.error !== 'aborted');
    row.cells[1].textContent = request.error ?? (request.status === undefined ? '…' : String(request.status));
    row.cells[3].textContent = request.bytes.toLocaleString('en');
    row.cells[4].textContent = String(request.notifications);
    this.#held(request, row);
  }

  /** Shows how long the current request has been held. */
  tick() {
    const row = this.#rows.get(this.#running);
    if (row && this.#running.heldMs === undefined) this.#held(this.#running, row);
  }

  #addRow(request) {
    const row = element('tr');
    for (let cell = 0; cell < 5; cell++) row.append(element('td'));
    row.cells[0].textContent = clockTime(new Date());
    this.#rows.set(request, row);
    this.#running = request;
    const { requests, url } = this.#parts;
    requests.prepend(row);
    url.textContent = `GET ${request.url.replace(/(?<=[?&]cursor=)[^&]{12,}/, shortCursor)}`;
    url.title = request.url;
    const [oldest] = this.#rows.keys();
    if (this.#rows.size > REQUESTS_SHOWN) {
      this.#rows.get(oldest).remove();
      this.#rows.delete(oldest);
    }
    return row;
  }

  #showCounts() {
    for (const [name, count] of Object.entries(this.#counts))
      this.#parts[name].textContent = count.toLocaleString('en');
  }

  #held(request, row) {
    row.cells[2].textContent = milliseconds(request.heldMs ?? performance.now() - request.beganMs);
  }

  #show(item) {
    const { notifications, empty } = this.#parts;
    empty.hidden = true;
    notifications.prepend(item);
    while (notifications.childElementCount > NOTIFICATIONS_SHOWN) notifications.lastElementChild.remove();
  }
}

/** Data of any shape as a line of names and values. */
function fields(data) {
  const line = element('p', { className: 'payload' });
  const found = flatten(data);
  let parent;
  for (const { path, text } of found.slice(0, FIELDS_SHOWN)) {
    const field = element('span', { className: 'entry' });
    // Adjacent fields of one object show its name once.
    const siblings = path.length > 1 && path.slice(0, -1).join('.') === parent;
    const name = siblings ? `.${path.at(-1)}` : path.join('.');
    parent = path.slice(0, -1).join('.');
    if (name) field.append(element('span', { className: 'name', text: name }), ' ');
    field.append(element('span', { className: 'value', text }));
    line.append(field, ' ');
  }
  if (found.length > FIELDS_SHOWN) line.append(`… and ${found.length - FIELDS_SHOWN} more`);
  return line;
}

/** @returns {{ path: string[], text: string }[]} every value that is not nested further, as JSON */
function flatten(value, path = []) {
  const entries = typeof value === 'object' && value !== null ? Object.entries(value) : [];
  if (entries.length === 0) return [{ path, text: JSON.stringify(value) }];
  return entries.flatMap(([key, child]) => flatten(child, [...path, key]));
}
