/** An element with text: received data is never markup. */
export function element(tag, { text, className, title } = {}) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  if (title) made.title = title;
  return made;
}

/** The content of a template, with its parts by their names in `data-part`. */
export function fromTemplate(id) {
  const root = document.getElementById(id).content.cloneNode(true).firstElementChild;
  const parts = {};
  for (const part of root.querySelectorAll('[data-part]')) parts[part.dataset.part] = part;
  return { root, parts };
}

export function milliseconds(ms) {
  if (Math.abs(ms) < 1_000) return `${Math.round(ms)} ms`;
  return Math.abs(ms) < 60_000 ? `${(ms / 1_000).toFixed(1)} s` : `${(ms / 60_000).toFixed(1)} min`;
}

export function clockTime(date) {
  return date.toLocaleTimeString('en-GB');
}

/** A part of a cursor that is long enough to see a change. */
export function shortCursor(cursor) {
  return `${cursor.slice(0, 4)}…${cursor.slice(-6)}`;
}
