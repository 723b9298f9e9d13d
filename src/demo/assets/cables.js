import { element, fromTemplate } from './dom.js';

/** Notifications shown in a lane; a narrow page cuts off the oldest. */
const CELLS = 60;
/** The readers never receive a notification at the same time, so a short delay is not shown. */
const BEHIND_AFTER_MS = 300;

/**
 * Shows every reader as a lane with its cable. The cells of one notification are in one column, so
 * that a missing one is visible.
 */
export class CablePanel {
  #panel = document.getElementById('cables');
  #all = document.getElementById('cables-all');
  #answer = document.getElementById('verdict-answer');
  #text = document.getElementById('verdict-text');
  /**
   * @type {Map<string, { root: HTMLElement, parts: Record<string, HTMLElement>, cells: Map<object,
   * HTMLElement> }>}
   */
  #lanes = new Map();
  #announcer;
  #timer;

  /**
   * @param {{ names: string[], announcer: object, onPull: (names: string[], isPulled: boolean) =>
   * void }} options
   */
  constructor({ names, announcer, onPull }) {
    this.#announcer = announcer;
    const lanes = document.getElementById('lanes');
    for (const name of names) {
      const { root, parts } = fromTemplate('lane');
      parts.name.textContent = name;
      parts.cable.setAttribute('aria-label', `Cable of ${name}`);
      parts.cable.addEventListener('click', () => onPull([name], isPlugged(parts.cable)));
      lanes.append(root);
      this.#lanes.set(name, { root, parts, cells: new Map() });
    }
    this.#all.addEventListener('click', () => onPull(names, this.#isAnyPlugged));
  }

  reset() {
    for (const [name, { parts, cells }] of this.#lanes) {
      parts.cells.replaceChildren();
      cells.clear();
      this.cable(name, false);
      this.state(name, 'connecting', 'connecting');
    }
  }

  cable(name, isPulled) {
    const { cable } = this.#lanes.get(name).parts;
    cable.setAttribute('aria-checked', String(!isPulled));
    this.#all.textContent = this.#isAnyPlugged ? 'Pull all' : 'Put all back';
  }

  state(name, state, words) {
    const { root, parts } = this.#lanes.get(name);
    root.dataset.state = state;
    parts.state.textContent = words;
  }

  /** @param {import('./ledger.js').Ledger} ledger */
  show(ledger) {
    const verdict = ledger.verdict();
    const entries = ledger.latest(CELLS);
    for (const { name, received } of verdict.readers) {
      const { parts, cells } = this.#lanes.get(name);
      showCells(parts.cells, cells, { entries, name });
      parts.received.textContent = received.toLocaleString('en');
    }
    if (verdict.kind === 'behind' && this.#panel.dataset.verdict !== 'behind') {
      // A pending timer is kept: notifications may arrive more often than it fires.
      this.#timer ??= setTimeout(() => this.#say(ledger.verdict()), BEHIND_AFTER_MS);
    } else this.#say(verdict);
  }

  get #isAnyPlugged() {
    return [...this.#lanes.values()].some(({ parts }) => isPlugged(parts.cable));
  }

  #say(verdict) {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { answer, text } = inWords(verdict);
    const kind = verdict.kind === 'same' && verdict.matched === 0 ? 'none' : verdict.kind;
    const changed = this.#panel.dataset.verdict !== kind;
    this.#panel.dataset.verdict = kind;
    this.#answer.textContent = answer;
    this.#text.textContent = text;
    for (const reader of verdict.readers) {
      const { note } = this.#lanes.get(reader.name).parts;
      note.textContent = noteOf(reader);
      note.dataset.lacking = String(reader.lacking > 0);
    }
    // Announce a new kind of verdict, not every number.
    if (changed) this.#announcer.say('verdict', `${answer}.`);
  }
}

function isPlugged(cable) {
  return cable.getAttribute('aria-checked') === 'true';
}

/** Only changed cells are updated: a cell moves when the order of its notification is known. */
function showCells(row, cells, { entries, name }) {
  for (const [index, entry] of entries.entries()) {
    let cell = cells.get(entry);
    if (!cell) cells.set(entry, (cell = element('span')));
    cell.dataset.mark = entry.marks[name] ?? 'lacking';
    cell.dataset.own = String(entry.own);
    if (row.children[index] !== cell) row.insertBefore(cell, row.children[index] ?? null);
  }
  const shown = new Set(entries);
  for (const [entry, cell] of cells) {
    if (shown.has(entry)) continue;
    cell.remove();
    cells.delete(entry);
  }
}

function noteOf({ received, caughtUp, lacking }) {
  if (lacking > 0) return `lacks ${lacking}`;
  if (caughtUp > 0) return `${caughtUp} caught up`;
  return received > 0 ? 'in order' : '';
}

function inWords({ kind, matched, readers, told, repeated, outOfStep }) {
  const gaps = told > 0 ? ` ${told} were lost in a gap.` : '';
  if (kind === 'different') {
    return { answer: 'No', text: `${repeated} came twice, ${outOfStep} arrived out of order. Please report this.` };
  }
  if (kind === 'behind') {
    const lacks = readers.flatMap(({ name, lacking }) => (lacking > 0 ? [`${name} lacks ${lacking}`] : []));
    const before = matched > 0 ? ` The ${matched} before were the same.` : '';
    return { answer: lacks.join(', '), text: `Missing notifications arrive when the cable is back.${before}${gaps}` };
  }
  if (matched === 0) return { answer: 'Nothing has come yet', text: `All three begin at the same cursor.${gaps}` };
  const late = readers.flatMap(({ name, caughtUp }) => (caughtUp > 0 ? [`${name} caught up on ${caughtUp}`] : []));
  const caughtUp = late.length > 0 ? ` ${late.join(', ')}.` : '';
  return { answer: `All three have the same ${matched}`, text: `In order, none twice.${caughtUp}${gaps}` };
}
