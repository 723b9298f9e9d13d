import { element, icon, setAttributes, setText, show } from './dom.js';
import { BELL } from './icons.js';

/** The button with the badge. It opens the panel. */
export class Bell {
  readonly element: HTMLButtonElement;
  readonly #badge = element('span', { part: 'badge', 'aria-hidden': 'true' });

  constructor(panel: HTMLElement) {
    this.element = element(
      'button',
      { type: 'button', part: 'bell', 'aria-haspopup': 'dialog', 'aria-expanded': 'false' },
      element('slot', { name: 'icon' }, icon(BELL)),
      this.#badge,
    );
    // With this link, a click on the bell closes an open panel instead of opening it again.
    this.element.popoverTargetElement = panel;
    this.element.addEventListener('keydown', (event) => {
      if (event.key !== 'ArrowDown') return;
      event.preventDefault();
      panel.showPopover();
    });
    this.element.addEventListener('animationend', () => this.element.classList.remove('ring'));
  }

  /** @param label - The accessible name: the badge is hidden from screen readers. */
  update(label: string, badge: string): void {
    setAttributes(this.element, { 'aria-label': label });
    setText(this.#badge, badge);
    show(this.#badge, badge !== '');
  }

  /** The bell swings once, unless the user prefers reduced motion. */
  ring(): void {
    this.element.classList.add('ring');
  }
}
