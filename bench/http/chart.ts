export interface Bar {
  readonly name: string;
  readonly ratio: number;
  readonly isOurs: boolean;
}

export interface Panel {
  readonly title: string;
  readonly bars: readonly Bar[];
}

const WIDTH = 760;
const NAMES = 290;
const BAR = 22;
const GAP = 8;
const PANEL = 46;

/** Bars of CPU per delivery as SVG, readable on light and dark pages. */
export function chart(panels: readonly Panel[], caption: string): string {
  const longest = Math.max(...panels.flatMap(({ bars }) => bars.map(({ ratio }) => ratio)));
  const scale = (WIDTH - NAMES - 60) / longest;
  let y = 0;
  const parts: string[] = [];
  for (const { title, bars } of panels) {
    y += PANEL;
    parts.push(`<text x="0" y="${y - 14}" class="title">${escape(title)}</text>`);
    for (const { name, ratio, isOurs } of bars) {
      const middle = y + BAR / 2 + 5;
      parts.push(
        `<text x="${NAMES - 10}" y="${middle}" text-anchor="end">${escape(name)}</text>`,
        `<rect x="${NAMES}" y="${y}" width="${(ratio * scale).toFixed(1)}" height="${BAR}" rx="3" class="${isOurs ? 'ours' : 'other'}"/>`,
        `<text x="${(NAMES + ratio * scale + 8).toFixed(1)}" y="${middle}">${ratio.toFixed(2)}</text>`,
      );
      y += BAR + GAP;
    }
  }
  const height = y + 34;
  const style =
    'text{font:14px system-ui,sans-serif;fill:#24292f}.title{font-weight:600;font-size:15px}.caption{font-size:12px;fill:#57606a}' +
    '.ours{fill:#1f7a4d}.other{fill:#8c959f}' +
    '@media(prefers-color-scheme:dark){text{fill:#e6edf3}.caption{fill:#9198a1}.ours{fill:#3fb950}.other{fill:#6e7681}}';
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escape(caption)}"><style>${style}</style>${parts.join('')}<text x="0" y="${height - 10}" class="caption">${escape(caption)}</text></svg>\n`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
