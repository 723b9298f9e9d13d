import { clockTime, element } from './dom.js';

const SHOWN = 50;
const BADGE_MAX = 99;

const PHASES = { connecting: 'Connecting', live: 'Live', waiting: 'Waiting', offline: 'Offline', closed: 'Closed' };
const TRANSPORTS = { sse: 'by event stream', poll: 'by long poll' };
const OFFLINE = 'this device is off the network';
const REASONS = {
  network: 'no answer from the server, it tries again',
  malformed: 'the answer is not a page of this feed',
  busy: 'the server is busy, the client waits',
  server: 'the server reports an error',
  hidden: 'this tab is hidden, so it polls less often',
  refused: 'the server refuses the request',
  closed: 'the page has closed the feed',
};

/** The bell swings once. */
const RING = [{ rotate: ['0deg', '14deg', '-11deg', '6deg', '-3deg', '0deg'] }, { duration: 700, easing: 'ease-out' }];

/**
 * The bell of an application: the notifications, the unread ones, and the state of the connection.
 */
export class Bell {
  #button = document.getElementById('bell');
  #icon = document.querySelector('#bell svg');
  #badge = document.getElementById('bell-badge');
  #label = document.getElementById('bell-label');
  #panel = document.getElementById('bell-panel');
  #list = document.getElementById('bell-list');
  #empty = document.getElementById('bell-empty');
  #pill = document.getElementById('client-state');
  #about = document.getElementById('client-about');
  #status = document.getElementById('bell-status');
  #again = document.getElementById('bell-again');
  #announcer;
  #unread = 0;

  /**
   * @param {{ announcer: import('./announcer.js').Announcer, onConnectAgain: () => void }} options
   */
  constructor({ announcer, onConnectAgain }) {
    this.#announcer = announcer;
    this.#again.addEventListener('click', () => {
      // The button disappears, so the panel takes the focus.
      this.#panel.focus();
      onConnectAgain();
    });
    this.#button.addEventListener('keydown', (event) => {
      if (event.key !== 'ArrowDown') return;
      event.preventDefault();
      if (this.#isOpen) this.#focusList();
      else this.#panel.showPopover();
    });
    this.#panel.addEventListener('toggle', ({ newState }) => {
      if (newState === 'open') this.#opened();
      else this.#closed();
    });
    this.#panel.addEventListener('focusout', ({ relatedTarget }) => {
      // Close the panel when the focus leaves it: the panel hides the page behind it.
      if (relatedTarget && relatedTarget !== this.#button && !this.#panel.contains(relatedTarget)) {
        this.#panel.hidePopover();
      }
    });
    this.#list.addEventListener('keydown', (event) => this.#move(event));
  }

  reset() {
    this.#list.replaceChildren();
    this.#empty.hidden = false;
    this.#count(0);
  }

  notification(notification) {
    const { topic, type, time, data } = notification;
    const text = typeof data?.text === 'string' && data.text !== '' ? data.text : type;
    const button = element('button', { className: 'item' });
    button.type = 'button';
    button.tabIndex = -1;
    button.setAttribute('aria-expanded', 'false');
    button.addEventListener('click', () => unfold(button, notification));
    button.append(...lines(text, [`${type} · ${topic} · `, whenOf(time)]));
    this.#add(button);
    if (!this.#list.contains(document.activeElement)) this.#makeReachable(button);
    if (this.#isOpen) this.#announcer.say('bell', `New notification: ${text}.`);
    else {
      this.#count(this.#unread + 1);
      this.#announcer.say('bell', `${this.#label.textContent}. The last one: ${text}.`);
      if (matchMedia('(prefers-reduced-motion: no-preference)').matches) this.#icon.animate(...RING);
    }
  }

  /**
   * Notifications were lost. An application fetches its state again here; this one has no state.
   */
  gap({ reason }) {
    const notice = element('p', { className: 'item gap' });
    notice.append(
      ...lines(`Gap: ${reason}`, ['Some notifications are lost. An application now fetches its state again.']),
    );
    this.#add(notice);
  }

  /**
   * @param {object} state of the client
   * @param {string} [detail] the reason, if the page has a more exact one than the client
   */
  state({ phase, reason, transport }, detail) {
    const why = detail ?? (phase === 'offline' ? OFFLINE : REASONS[reason]);
    const about = (phase === 'live' ? TRANSPORTS[transport] : why) ?? '';
    this.#pill.dataset.state = this.#panel.dataset.state = phase;
    this.#pill.lastElementChild.textContent = PHASES[phase];
    this.#about.textContent = about;
    this.#status.textContent = about ? `${PHASES[phase]}: ${about}` : PHASES[phase];
    this.#again.hidden = phase !== 'closed';
    if (phase !== 'connecting') this.#announcer.say('client', `Bell: ${this.#status.textContent}.`);
  }

  /** Updates the age of each notification. */
  tick() {
    for (const time of this.#list.querySelectorAll('time')) time.textContent = ago(time.dateTime);
  }

  get #isOpen() {
    return this.#panel.matches(':popover-open');
  }

  #add(content) {
    const item = element('li');
    item.dataset.new = '';
    item.append(content);
    this.#empty.hidden = true;
    this.#list.prepend(item);
    while (this.#list.childElementCount > SHOWN) this.#list.lastElementChild.remove();
  }

  /** An open panel marks notifications as read. New ones stay marked until the panel is closed. */
  #opened() {
    this.#button.setAttribute('aria-expanded', 'true');
    this.#count(0);
    this.tick();
    this.#focusList();
  }

  #focusList() {
    (this.#list.querySelector('button.item[tabindex="0"]') ?? this.#panel).focus();
  }

  #closed() {
    this.#button.setAttribute('aria-expanded', 'false');
    for (const item of this.#list.children) delete item.dataset.new;
  }

  #count(unread) {
    this.#unread = unread;
    this.#badge.hidden = unread === 0;
    this.#badge.textContent = unread > BADGE_MAX ? `${BADGE_MAX}+` : String(unread);
    this.#label.textContent = unread === 0 ? 'Notifications' : `Notifications, ${unread} unread`;
    document.title = unread === 0 ? 'nest-notifications' : `(${unread}) nest-notifications`;
  }

  /** The list is one tab stop; the arrow keys move in it. */
  #move(event) {
    const buttons = [...this.#list.querySelectorAll('button.item')];
    const at = buttons.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (to === undefined || at < 0) return;
    event.preventDefault();
    const button = buttons[Math.min(Math.max(to, 0), buttons.length - 1)];
    this.#makeReachable(button);
    button.focus();
  }

  #makeReachable(button) {
    for (const other of this.#list.querySelectorAll('button.item')) other.tabIndex = other === button ? 0 : -1;
  }
}

/** The text of an item. Screen readers also announce that it is new. */
function lines(text, about) {
  const first = element('span', { className: 'text', text });
  first.prepend(element('span', { className: 'visually-hidden new', text: 'New: ' }));
  const second = element('span', { className: 'about' });
  second.append(...about);
  return [first, second];
}

/** Shows or hides the notification as JSON. */
function unfold(button, notification) {
  const isOpen = button.getAttribute('aria-expanded') === 'true';
  button.setAttribute('aria-expanded', String(!isOpen));
  if (isOpen) button.nextElementSibling.remove();
  else button.after(element('pre', { text: JSON.stringify(notification, null, 2) }));
}

function whenOf(time) {
  const when = element('time', { text: ago(time), title: clockTime(new Date(time)) });
  when.dateTime = time;
  return when;
}

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

function ago(time) {
  const minutes = Math.floor((Date.now() - Date.parse(time)) / 60_000);
  if (minutes < 1) return 'just now';
  return minutes < 60 ? relative.format(-minutes, 'minute') : relative.format(-Math.floor(minutes / 60), 'hour');
}
