import { element, setAttributes, setText } from '../../client/inbox-element/dom.js';
import { areaPath, INTERVALS, linePath, PLOT_HEIGHT, PLOT_WIDTH, type Values, x } from './plot.js';

const MINUTE_MS = 60_000;
const SVG = 'http://www.w3.org/2000/svg';

/** The lines of a chart, and the labels of its axes. Screen readers ignore them. */
export class PlotView {
  readonly svg = document.createElementNS(SVG, 'svg');
  /** The labels of the vertical axis. */
  readonly scale = element('div', { class: 'scale', 'aria-hidden': 'true' });
  /** The labels of the horizontal axis. */
  readonly minutes = element('div', { class: 'minutes', 'aria-hidden': 'true' });
  readonly #minuteLines: SVGPathElement;
  readonly #area: SVGPathElement;
  readonly #lines: readonly SVGPathElement[];
  readonly #mark: SVGPathElement;
  readonly #labels = [element('span'), element('span'), element('span')];

  /** @param lines - The number of lines, at most three. */
  constructor(lines: number) {
    const viewBox = `0 0 ${PLOT_WIDTH} ${PLOT_HEIGHT}`;
    setAttributes(this.svg, { viewBox, preserveAspectRatio: 'none', 'aria-hidden': 'true' });
    this.#minuteLines = this.#path('grid');
    const levels = [0, PLOT_HEIGHT / 2, PLOT_HEIGHT].map((y) => `M0 ${y}H${PLOT_WIDTH}`);
    this.#path('grid').setAttribute('d', levels.join(''));
    this.#area = this.#path('area');
    this.#lines = Array.from({ length: lines }, (_, index) => this.#path(lineClass(index)));
    this.#mark = this.#path('mark');
    this.scale.append(...this.#labels);
  }

  draw(values: readonly Values[], end: number, text: (value: number) => string): void {
    for (const [index, line] of this.#lines.entries()) line.setAttribute('d', linePath(values[index] ?? [], end));
    this.#area.setAttribute('d', areaPath(values[0] ?? [], end));
    for (const [index, label] of this.#labels.entries()) setText(label, text((end * (2 - index)) / 2));
  }

  /** Marks an interval with a vertical line. Undefined: none. */
  mark(index: number | undefined): void {
    const line = index === undefined ? '' : `M${x(index, INTERVALS - 1)} 0V${PLOT_HEIGHT}`;
    this.#mark.setAttribute('d', line);
  }

  /** Draws a line and a label for each whole minute. */
  drawMinutes(intervalMs: number): void {
    const each = Math.max(1, Math.round(MINUTE_MS / intervalMs));
    const labels: HTMLElement[] = [];
    let lines = '';
    for (let back = 0; back < INTERVALS; back += each) {
      const at = x(INTERVALS - 1 - back, INTERVALS - 1);
      // Only the oldest label has the unit, so that the labels fit a narrow chart.
      const unit = back + each < INTERVALS ? '' : ' min';
      const label = element('span', {}, back === 0 ? 'now' : `−${back / each}${unit}`);
      label.style.insetInlineStart = `${(at / PLOT_WIDTH) * 100}%`;
      labels.push(label);
      lines += `M${at} 0V${PLOT_HEIGHT}`;
    }
    if (this.minutes.childElementCount !== labels.length) this.minutes.replaceChildren(...labels);
    this.#minuteLines.setAttribute('d', lines);
  }

  #path(name: string): SVGPathElement {
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('class', name);
    this.svg.append(path);
    return path;
  }
}

/** A short piece of a line, for the legend. */
export function swatch(index: number): SVGSVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  setAttributes(svg, { viewBox: '0 0 20 8', 'aria-hidden': 'true', class: 'swatch' });
  const line = document.createElementNS(SVG, 'path');
  setAttributes(line, { d: 'M1 4H19', class: lineClass(index) });
  svg.append(line);
  return svg;
}

function lineClass(index: number): string {
  return `line line-${index + 1}`;
}
