/**
 * The styles of the element. Names that begin with `--inbox-` are public, and `--_` is private.
 * Physical directions are not used, so the styles also fit right-to-left pages.
 */
export const STYLES = `
:host {
  --_back: var(--inbox-background, light-dark(#fff, #161922));
  --_text: var(--inbox-text, light-dark(#171a26, #e9ebf3));
  --_muted: var(--inbox-muted, light-dark(#575e72, #a5acbf));
  --_line: var(--inbox-line, light-dark(#e3e6ed, #272c3a));
  --_hover: var(--inbox-hover, light-dark(#f4f5f9, #1e2230));
  --_accent: var(--inbox-accent, light-dark(#4450cf, #a8b1ff));
  --_badge: var(--inbox-badge, light-dark(#c4241c, #ff9e95));
  --_badge-text: var(--inbox-badge-text, light-dark(#fff, #35100d));
  --_width: min(var(--inbox-width, 24rem), 100vw - 1rem);
  --_radius: var(--inbox-radius, .875rem);
  display: inline-block;
  vertical-align: middle;
}
:host([hidden]), [hidden] { display: none !important; }
:host([theme=light]) { color-scheme: light; }
:host([theme=dark]) { color-scheme: dark; }
:host([theme=auto]) { color-scheme: light dark; }
*, ::before { box-sizing: border-box; }
button, a {
  min-width: 0;
  border: 0;
  border-radius: .5rem;
  background: none;
  color: inherit;
  font: inherit;
  text-align: start;
  text-decoration: none;
  cursor: pointer;
}
:focus-visible { outline: 2px solid var(--_accent); outline-offset: -2px; }
svg {
  display: block;
  width: 1.125rem;
  height: 1.125rem;
  fill: none;
  stroke: currentcolor;
  stroke-linecap: round;
  stroke-linejoin: round;
  stroke-width: 1.75;
}
.hidden {
  position: absolute;
  width: 1px;
  height: 1px;
  overflow: hidden;
  clip-path: inset(50%);
  white-space: nowrap;
}
[part=bell] {
  position: relative;
  display: grid;
  place-items: center;
  width: 2.5rem;
  height: 2.5rem;
  padding: 0;
  border-radius: 50%;
}
[part=bell] svg { width: 1.375rem; height: 1.375rem; transform-origin: 50% 15%; }
[part=bell]:hover, [part=bell][aria-expanded=true] {
  background: color-mix(in srgb, currentcolor 10%, transparent);
}
[part=badge] {
  position: absolute;
  inset-block-start: -.0625rem;
  inset-inline-end: -.0625rem;
  min-width: 1.125rem;
  padding: 0 .3125rem;
  border-radius: 1rem;
  background: var(--_badge);
  color: var(--_badge-text);
  font: 650 .6875rem/1.125rem system-ui, sans-serif;
  font-variant-numeric: tabular-nums;
  text-align: center;
}
[part=panel] {
  position: fixed;
  inset: auto;
  width: var(--_width);
  max-height: min(var(--inbox-height, 34rem), var(--_room));
  margin: 0;
  padding: 0;
  overflow: hidden;
  border: 1px solid var(--_line);
  border-radius: var(--_radius);
  background: var(--_back);
  color: var(--_text);
  box-shadow: 0 .75rem 2.5rem light-dark(#171a262e, #0009);
  font-size: .9375rem;
  font-weight: 400;
  line-height: 1.4;
  letter-spacing: normal;
  text-align: start;
  text-transform: none;
  white-space: normal;
}
[part=panel]:popover-open { display: flex; flex-direction: column; }
[part=panel]:focus-visible { outline-offset: -1px; }
[part=header] {
  display: flex;
  flex-wrap: wrap;
  align-items: center;
  gap: .25rem .5rem;
  padding: .75rem 1rem .625rem;
  border-block-end: 1px solid var(--_line);
}
[part=title] { flex: 1; margin: 0; font-size: 1.0625rem; font-weight: 650; }
[part=filter] { display: flex; flex-basis: 100%; gap: .25rem; margin-inline: -.5rem; }
[part~=button] { padding: .3125rem .625rem; color: var(--_accent); font-size: .875rem; font-weight: 550; }
[part~=button]:hover { background: var(--_hover); }
[part~=button][aria-disabled=true] { color: var(--_muted); cursor: default; }
[part=filter] [part~=button] { color: var(--_muted); }
[part=filter] [aria-pressed=true] {
  background: color-mix(in srgb, var(--_accent) 12%, transparent);
  color: var(--_accent);
}
[part~=mark-all] { margin-inline-end: -.625rem; }
[part~=notice] {
  display: flex;
  align-items: center;
  gap: .5rem;
  margin: 0;
  padding: .5rem;
  padding-inline: 1rem .625rem;
  border-block-end: 1px solid var(--_line);
  background: var(--_hover);
  font-size: .875rem;
}
[part~=notice] span { flex: 1; }
[part=scroll] { flex: 1; overflow: auto; overscroll-behavior: contain; scrollbar-width: thin; }
[part=list] { margin: 0; padding: 0; list-style: none; }
li { position: relative; overflow: hidden; }
li + li { border-block-start: 1px solid var(--_line); }
.main {
  display: grid;
  gap: .125rem;
  width: 100%;
  padding: .75rem;
  padding-inline: 2rem 1rem;
  border-radius: 0;
}
.main:hover, li:focus-within { background: var(--_hover); }
li[part~=unread]::before {
  position: absolute;
  inset-block-start: 1.0625rem;
  inset-inline-start: .875rem;
  width: .5rem;
  height: .5rem;
  border-radius: 50%;
  background: var(--_accent);
  content: '';
  pointer-events: none;
}
.content { display: grid; gap: .125rem; min-width: 0; overflow-wrap: anywhere; }
[part~=item-title], [part~=item-body] {
  display: -webkit-box;
  overflow: hidden;
  -webkit-box-orient: vertical;
  -webkit-line-clamp: 3;
  text-align: -webkit-match-parent;
  text-align: match-parent;
}
li[part~=unread] [part~=item-title] { font-weight: 600; }
[part~=item-body], time { color: var(--_muted); }
time { font-size: .8125rem; }
.actions {
  position: absolute;
  inset-block-end: .375rem;
  inset-inline-end: .625rem;
  display: flex;
  gap: .125rem;
}
.action { padding: .375rem; color: var(--_muted); }
.action:hover { background: var(--_line); color: var(--_text); }
@media (hover: hover) {
  .actions { opacity: 0; }
  li:hover .actions, li:focus-within .actions { opacity: 1; }
}
@media (pointer: coarse) {
  .action { padding: .5625rem; }
  .actions { inset-block-end: .125rem; inset-inline-end: .375rem; }
}
[part=empty], [part=loading] { margin: 0; padding: 2.5rem 1.5rem; color: var(--_muted); text-align: center; }
[part~=older] { display: block; margin: .375rem auto; }
@media (prefers-reduced-motion: no-preference) {
  [part=panel]:popover-open { animation: open .16s ease-out; }
  .actions { transition: opacity .12s; }
  [part=bell].ring svg { animation: ring .7s ease-out; }
  @keyframes open { from { opacity: 0; translate: 0 -.375rem; } }
  @keyframes ring { 20% { rotate: 14deg; } 40% { rotate: -11deg; } 60% { rotate: 6deg; } 80% { rotate: -3deg; } }
}
@media (forced-colors: active) {
  [part=badge], li[part~=unread]::before { background: Highlight; color: HighlightText; forced-color-adjust: none; }
  [part=filter] [aria-pressed=true] { border: 1px solid Highlight; }
}
`;
