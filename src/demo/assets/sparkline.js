const SVG = 'http://www.w3.org/2000/svg';
/** The size of the view box. The page stretches it; lines keep their width. */
const WIDTH = 300;
const HEIGHT = 56;
/** Space for half a line width at the edges. */
const MARGIN = 3;
const SLOTS = 60;

/**
 * Latencies as a curve, newest at the right. The curve has a break while the reader was
 * disconnected. A notification that the reader caught up on is a tick at the top.
 */
export class Sparkline {
  #svg;
  #shapes = {};

  /** @param {SVGSVGElement} svg */
  constructor(svg) {
    this.#svg = svg;
    svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
    svg.setAttribute('preserveAspectRatio', 'none');
    for (const name of ['area', 'median', 'line', 'later', 'last']) {
      this.#shapes[name] = document.createElementNS(SVG, 'path');
      this.#shapes[name].setAttribute('class', name);
      svg.append(this.#shapes[name]);
    }
  }

  /** @param {import('./latency.js').Latency} latency @param {number} scaleMs at the upper edge */
  draw(latency, scaleMs) {
    const { samples } = latency;
    const summary = latency.summary();
    const x = (index) => WIDTH - MARGIN - ((samples.length - 1 - index) * (WIDTH - 2 * MARGIN)) / (SLOTS - 1);
    const y = (ms) => HEIGHT - MARGIN - (Math.min(Math.max(ms, 0), scaleMs) / scaleMs) * (HEIGHT - 2 * MARGIN);
    const runs = runsOf(samples).map((run) => run.map(({ ms, index }) => `${x(index).toFixed(1)} ${y(ms).toFixed(1)}`));
    const later = samples.flatMap(({ caughtUp }, index) => (caughtUp ? [`M${x(index).toFixed(1)} 0v5`] : []));
    const last = samples.at(-1);
    this.#set('line', runs.map((points) => `M${points.join('L')}${points.length === 1 ? 'h0' : ''}`).join(''));
    this.#set('area', runs.map(areaBelow).join(''));
    this.#set('later', later.join(''));
    this.#set('last', last && !last.caughtUp ? `M${x(samples.length - 1)} ${y(last.ms).toFixed(1)}h0` : '');
    this.#set('median', summary ? `M0 ${y(summary.p50).toFixed(1)}H${WIDTH}` : '');
    this.#svg.setAttribute('aria-label', inWords(summary));
  }

  #set(name, path) {
    this.#shapes[name].setAttribute('d', path);
  }
}

/** The runs of consecutive live samples. */
function runsOf(samples) {
  const runs = [];
  let run;
  for (const [index, { ms, caughtUp }] of samples.entries()) {
    if (caughtUp) run = undefined;
    else if (run) run.push({ ms, index });
    else runs.push((run = [{ ms, index }]));
  }
  return runs;
}

function areaBelow(points) {
  const end = (point) => `${point.split(' ')[0]} ${HEIGHT}`;
  return `M${end(points[0])}L${points.join('L')}L${end(points.at(-1))}Z`;
}

function inWords(summary) {
  if (!summary) return 'Latency: nothing measured yet';
  const { count, p50, max } = summary;
  return `Latency of the last ${count}: half of them ${p50} ms or less, the longest ${max} ms`;
}
