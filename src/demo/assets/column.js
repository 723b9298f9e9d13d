const NOTIFICATIONS_SHOWN = 50;
const REQUESTS_SHOWN = 6;
const LATENCIES_KEPT = 50;
/** Fields of `data` shown one by one; more of them are cut off, and said to be. */
const FIELDS_SHOWN = 24;

const STATE_WORDS = { connecting: 'connecting', waiting: 'waiting to reconnect', offline: 'offline' };

/** One client on the page. Everything that came over the wire is shown as text, never as markup. */
export class Column {
  #parts = {};
  #root;
  #kind;
  #openWord;
  #counts = { received: 0, gaps: 0 };
  #latencies = [];
  /** @type {Map<object, HTMLTableRowElement>} */
  #rows = new Map();
  #running;

  /** `openWord` says what a good connection is called: a poll is held, a stream is live. */
  constructor({ name, kind, openWord, template, onCable }) {
    this.name = name;
    this.#kind = kind;
    this.#openWord = openWord;
    this.#root = template.content.cloneNode(true).firstElementChild;
    for (const part of this.#root.querySelectorAll('[data-part]')) this.#parts[part.dataset.part] = part;
    const { title, cable, notifications, requests, url } = this.#parts;
    title.textContent = name;
    title.id = `${name.replace(/\W+/g, '-').toLowerCase()}-title`;
    this.#root.setAttribute('aria-labelledby', title.id);
    notifications.setAttribute('aria-label', `Notifications by ${name}, newest first`);
    requests.closest('table').setAttribute('aria-label', `Requests by ${name}, newest first`);
    url.setAttribute('aria-label', `URL of the last request by ${name}`);
    cable.append(element('span', { className: 'visually-hidden', text: ` of ${name}` }));
    cable.addEventListener('click', onCable);
  }

  get element() {
    return this.#root;
  }

  reset() {
    this.#counts = { received: 0, gaps: 0 };
    this.#latencies = [];
    this.#rows.clear();
    this.#running = undefined;
    const { notifications, requests, received, gaps, latency, cursor, url } = this.#parts;
    notifications.replaceChildren();
    requests.replaceChildren();
    received.textContent = gaps.textContent = '0';
    latency.textContent = cursor.textContent = '–';
    url.textContent = '';
  }

  /** @returns {string} the state in words */
  state(state, detail = '') {
    const words = state === 'open' ? this.#openWord : STATE_WORDS[state];
    this.#root.dataset.state = state;
    this.#parts.state.textContent = words;
    this.#parts.kind.textContent = detail || this.#kind;
    return words;
  }

  cable(pulled) {
    this.#parts['cable-text'].textContent = pulled ? 'Put the cable back' : 'Pull the cable';
    this.#parts.cable.classList.toggle('primary', pulled);
  }

  cursor(cursor) {
    this.#parts.cursor.textContent = shortCursor(cursor);
    this.#parts.cursor.title = cursor;
  }

  notification({ topic, type, time, data }) {
    const latencyMs = Date.now() - Date.parse(time);
    this.#counts.received++;
    this.#parts.received.textContent = String(this.#counts.received);
    this.#latency(latencyMs);

    const line = element('p', { className: 'meta' });
    line.append(
      element('b', { text: type }),
      element('span', { className: 'topic', text: topic }),
      element('time', { text: clockTime(new Date(time)), title: time }),
      element('span', { className: 'after', text: `+${milliseconds(latencyMs)}`, title: 'from publish to arrival' }),
    );
    const item = element('li');
    item.append(line, fields(data));
    this.#show(item);
  }

  gap({ reason }) {
    this.#counts.gaps++;
    this.#parts.gaps.textContent = String(this.#counts.gaps);
    const why = {
      reset: 'The log was begun anew: the server has restarted. Going on from the oldest notification it has.',
      expired: 'Some notifications are no longer kept. Going on from the oldest one that is.',
    }[reason];
    const item = element('li', { className: 'gap' });
    item.append(element('b', { text: `gap: ${reason}` }), element('span', { text: ` ${why ?? ''}` }));
    this.#show(item);
  }

  /** Called again and again with the same object while the request lives. */
  request(request) {
    let row = this.#rows.get(request);
    if (!row) {
      row = element('tr');
      for (let cell = 0; cell < 5; cell++) row.append(element('td'));
      row.cells[0].textContent = clockTime(new Date());
      this.#rows.set(request, row);
      this.#parts.requests.prepend(row);
      this.#parts.url.textContent = `GET ${request.url.replace(/(?<=[?&]cursor=)[^&]{12,}/, shortCursor)}`;
      this.#parts.url.title = request.url;
      this.#running = request;
      for (const [old, { isConnected }] of this.#rows) {
        if (this.#rows.size <= REQUESTS_SHOWN) break;
        if (isConnected) this.#rows.get(old).remove();
        this.#rows.delete(old);
      }
    }
    const ended = request.heldMs !== undefined;
    row.classList.toggle('running', !ended);
    row.classList.toggle('failed', ended && request.error !== undefined && request.error !== 'aborted');
    row.cells[1].textContent = request.error ?? (request.status === undefined ? '…' : String(request.status));
    row.cells[3].textContent = request.bytes.toLocaleString('en');
    row.cells[4].textContent = String(request.notifications);
    this.#held(request, row);
  }

  /** Shows how long the present request has been held by now. */
  tick() {
    const row = this.#rows.get(this.#running);
    if (row && this.#running.heldMs === undefined) this.#held(this.#running, row);
  }

  #held(request, row) {
    row.cells[2].textContent = milliseconds(request.heldMs ?? performance.now() - request.beganMs);
  }

  #latency(latencyMs) {
    this.#latencies.push(latencyMs);
    if (this.#latencies.length > LATENCIES_KEPT) this.#latencies.shift();
    const sorted = this.#latencies.toSorted((a, b) => a - b);
    this.#parts.latency.textContent = milliseconds(sorted[sorted.length >> 1]);
    this.#parts.latency.title = `median of the last ${sorted.length}, from publish to arrival`;
  }

  #show(item) {
    const { notifications } = this.#parts;
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
    // Neighbours in one object name it once.
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

/** Cursors are opaque: enough of one to see that it has changed. */
export function shortCursor(cursor) {
  return `${cursor.slice(0, 4)}…${cursor.slice(-6)}`;
}

function milliseconds(ms) {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return ms < 60_000 ? `${(ms / 1_000).toFixed(1)} s` : `${(ms / 60_000).toFixed(1)} min`;
}

function clockTime(date) {
  return date.toLocaleTimeString('en-GB');
}

function element(tag, { text, className, title } = {}) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  if (title) made.title = title;
  return made;
}
