/** The distance between the panel and the edge of the window, in pixels. */
const EDGE = 8;
/** If less height is available, the panel opens on the side of the bell with more room. */
const HEIGHT_MIN = 320;

/**
 * Moves the panel below or above the bell, inside the window. A script sets these styles. A strict
 * content security policy allows that.
 */
export function place(panel: HTMLElement, bell: HTMLElement): void {
  const { top, bottom, left, right } = bell.getBoundingClientRect();
  const { clientWidth: width, clientHeight: height } = document.documentElement;
  const below = height - bottom - 2 * EDGE;
  const above = top - 2 * EDGE;
  const isAbove = below < HEIGHT_MIN && above > below;
  // The panel grows from the bell towards the middle of the window.
  const isLeft = left + right < width;
  const inside = (pixels: number): string =>
    `max(${EDGE}px, min(${Math.round(pixels)}px, ${width - EDGE}px - var(--_width)))`;
  const { style } = panel;
  style.setProperty('--_room', `${Math.max(Math.round(isAbove ? above : below), HEIGHT_MIN / 2)}px`);
  style.top = isAbove ? 'auto' : `${Math.round(Math.max(EDGE, bottom + EDGE))}px`;
  style.bottom = isAbove ? `${Math.round(height - top + EDGE)}px` : 'auto';
  style.left = isLeft ? inside(left) : 'auto';
  style.right = isLeft ? 'auto' : inside(width - right);
}
