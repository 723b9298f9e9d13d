import { number } from './report.mjs';

const WIDTH = 760;
const LABELS = 110;
const BAR = 20;
const GAP = 8;
const PLOT = 120;
const AXIS = 56;
const LINES = ['first', 'second', 'third'];

/**
 * Draws the number of runs on a logarithmic scale, and the heap during the soak test. Readable on
 * light and dark pages.
 */
export function chart(parts, caption) {
  const bars = barsOf(parts);
  const heap = heapOf(parts.find(({ name }) => name === 'soak')?.details ?? [], bars.height + 36);
  const height = heap.bottom + 30;
  const style =
    'text{font:13px system-ui,sans-serif;fill:#24292f}.title{font-weight:600;font-size:15px}.small{font-size:12px;fill:#57606a}' +
    '.passed{fill:#1f7a4d}.failed{fill:#b3261e}.axis{stroke:#8c959f}polyline{fill:none;stroke-width:2}' +
    '.first{stroke:#1f7a4d}.second{stroke:#0969da}.third{stroke:#9a6700}' +
    '@media(prefers-color-scheme:dark){text{fill:#e6edf3}.small{fill:#9198a1}.passed{fill:#3fb950}.failed{fill:#ff7b72}' +
    '.first{stroke:#3fb950}.second{stroke:#58a6ff}.third{stroke:#d29922}}';
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escape(caption)}"><style>${style}</style>${bars.svg}${heap.svg}<text x="0" y="${height - 8}" class="small">${escape(caption)}</text></svg>\n`;
}

function barsOf(parts) {
  const longest = Math.max(...parts.map(({ count }) => Math.log10(count + 1)));
  const scale = (WIDTH - LABELS - 290) / longest;
  let y = 34;
  const svg = [`<text x="0" y="18" class="title">What was run (powers of ten), and what went wrong</text>`];
  for (const { name, count, unit, failed } of parts) {
    const width = Math.log10(count + 1) * scale;
    const outcome = failed === 0 ? 'nothing went wrong' : `${failed} failed`;
    svg.push(
      `<text x="${LABELS - 10}" y="${y + 15}" text-anchor="end">${escape(name)}</text>`,
      `<rect x="${LABELS}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="3" class="${failed === 0 ? 'passed' : 'failed'}"/>`,
      `<text x="${(LABELS + width + 8).toFixed(1)}" y="${y + 15}">${number(count)} ${escape(unit)}: ${outcome}</text>`,
    );
    y += BAR + GAP;
  }
  return { svg: svg.join(''), height: y };
}

function heapOf(details, top) {
  if (details.length === 0) return { svg: '', bottom: top - 20 };
  const highest = Math.ceil(Math.max(...details.flatMap(({ heapMiB }) => heapMiB)) / 10) * 10;
  const [left, right, bottom] = [AXIS, WIDTH - 90, top + 20 + PLOT];
  const svg = [
    `<text x="0" y="${top}" class="title">Heap after collection over ${details[0].seconds} s of mixed load, in MiB</text>`,
    `<line x1="${left}" y1="${bottom}" x2="${right}" y2="${bottom}" class="axis"/>`,
    `<text x="${left - 8}" y="${bottom + 4}" text-anchor="end" class="small">0</text>`,
    `<text x="${left - 8}" y="${bottom - PLOT + 4}" text-anchor="end" class="small">${highest}</text>`,
  ];
  // Names that would overlap are moved apart.
  const ends = details.map(({ heapMiB }) => bottom - (heapMiB.at(-1) / highest) * PLOT);
  const order = ends.map((y, index) => ({ y, index })).sort((a, b) => a.y - b.y);
  order.forEach((one, at) => {
    if (at > 0) one.y = Math.max(one.y, order[at - 1].y + 14);
    ends[one.index] = one.y;
  });
  details.forEach(({ adapter, heapMiB }, index) => {
    const step = (right - left) / Math.max(1, heapMiB.length - 1);
    const points = heapMiB.map(
      (mib, at) => `${(left + at * step).toFixed(1)},${(bottom - (mib / highest) * PLOT).toFixed(1)}`,
    );
    svg.push(
      `<polyline points="${points.join(' ')}" class="${LINES[index % LINES.length]}"/>`,
      `<text x="${right + 8}" y="${(ends[index] + 4).toFixed(1)}" class="small">${escape(adapter)}</text>`,
    );
  });
  return { svg: svg.join(''), bottom };
}

function escape(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
