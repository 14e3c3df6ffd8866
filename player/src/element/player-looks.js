// @ts-check
/**
 * How `<whep-player>` looks. `::part(badge)` is the live badge,
 * `::part(trust)` says what holds for the picture, `::part(advice)` what the sender could set better,
 * `::part(controls)` is the bar of buttons.
 */

const CSS = `
:host {
  --accent: #ffb454;
  --good: #4ade80;
  --bad: #ff7b72;
  --live: #d32f2f;
  display: block;
  aspect-ratio: 16 / 9;
  color: #eef2f7;
  font: 16px/1.4 system-ui, sans-serif;
  border-radius: 12px;
  outline-offset: 3px;
}
:host([hidden]) { display: none; }
:host(:focus-visible) { outline: 2px solid var(--accent); }
/* Whatever the page has its player look like. */
:host(:fullscreen) { border: 0 !important; border-radius: 0 !important; width: 100%; height: 100%; }
:host(:fullscreen) .stage, .stage.picture { background: #000; }
[hidden] { display: none !important; }

.stage {
  position: relative;
  container-type: size;
  width: 100%;
  height: 100%;
  overflow: hidden;
  border-radius: inherit;
  background: linear-gradient(#161c26, #0a0d13);
}
video, .last {
  position: absolute;
  inset: 0;
  width: 100%;
  height: 100%;
  object-fit: contain;
}
/* The page may scroll under one finger, unless there is more of the picture to be seen. */
video, .last { touch-action: pan-x pan-y; transform-origin: 0 0; }
.close :is(video, .last) { touch-action: none; }
.stage.close { cursor: move; }
.stage:not(.close) .whole { display: none; }
/* What is left of a lost picture stays, but does not pretend to be live. */
video { transition: opacity 300ms; }
.stage:not(.picture) video { visibility: hidden; opacity: 0; transition: none; }
.last { opacity: 0.3; filter: blur(1.2cqmin); }
.picture .last { visibility: hidden; }

.overlay {
  position: absolute;
  inset: 0;
  display: flex;
  flex-direction: column;
  align-items: center;
  justify-content: center;
  gap: 6px;
  padding: 16px;
  text-align: center;
  transition: opacity 200ms;
}
/* For screen readers, to whom a hidden overlay says nothing. */
.said { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.picture .overlay { opacity: 0; visibility: hidden; }
.mark { width: clamp(44px, 15cqh, 84px); height: auto; margin-bottom: clamp(2px, 3cqh, 14px); }
.mark .ring { fill: none; stroke: #ffffff2b; stroke-width: 2; }
.mark .arc { fill: none; stroke: var(--accent); stroke-width: 2.5; stroke-linecap: round; stroke-dasharray: 26 200; }
.mark .core { fill: var(--accent); }
.mark .cross { stroke: var(--bad); stroke-width: 3; stroke-linecap: round; visibility: hidden; }
/* Movement only for those who wait: in the first moments every frame of it delays the picture. */
[data-mood="busy"] .arc { animation: turn 1.4s 700ms linear infinite; transform-origin: 32px 32px; }
[data-mood="busy"] .core { animation: breathe 1.4s 700ms ease-in-out infinite; transform-origin: 32px 32px; }
[data-mood="bad"] .arc, [data-mood="quiet"] .arc { visibility: hidden; }
[data-mood="bad"] .core, [data-mood="quiet"] .core { fill: #6b7688; }
[data-mood="bad"] .cross { visibility: visible; }
/* A picture that does not play has nothing to hide, and all of it starts it. */
.picture[data-state="paused"] .overlay { opacity: 1; visibility: visible; background: #0007; cursor: pointer; }
.mark .start { fill: var(--accent); visibility: hidden; }
[data-state="paused"] .mark .start { visibility: visible; }
[data-state="paused"] .mark .core { visibility: hidden; }
.title { font-size: clamp(17px, 6cqh, 27px); font-weight: 650; letter-spacing: -0.01em; line-height: 1.2; }
.hint { max-width: 44ch; color: #a9b4c4; font-size: clamp(13px, 3.6cqh, 16px); text-wrap: balance; }
.seen { color: #a9b4c4; font-size: 13px; font-variant-numeric: tabular-nums; }
.retry {
  margin-top: 10px;
  padding: 8px 20px;
  min-height: 40px;
  border: 1px solid #ffffff3d;
  border-radius: 999px;
  background: #ffffff14;
  color: inherit;
  font: inherit;
  font-size: 14px;
  font-weight: 600;
  cursor: pointer;
}
.retry:hover { background: #ffffff26; }

/* How the rest looks comes with the picture, and is not seen before. */
.badge, .trust, .bar, .advice { visibility: hidden; }
@container (max-height: 170px) {
  .hint { display: none; }
  .mark { width: 36px; }
}

@keyframes turn { to { transform: rotate(1turn); } }
@keyframes breathe { 50% { transform: scale(0.7); opacity: 0.6; } }
@media (prefers-reduced-motion: reduce) {
  .arc, .core { animation: none !important; }
  video, .overlay, .badge, .trust, .bar { transition: none !important; }
}
@media (forced-colors: active) {
  .mark .arc, .mark .ring { stroke: CanvasText; }
  .mark :is(.core, .start) { fill: CanvasText; }
}
`;

/** Those that were made so far; null where browsers make none: Safari before 16.4. @type {Map<string, CSSStyleSheet | null>} */
const made = new Map();

/**
 * Gives a player its looks. One constructed sheet for all players of a page, for a `<style>` element needs
 * `unsafe-inline` of the page's Content-Security-Policy; old browsers get that all the same.
 *
 * @param {ShadowRoot} root
 * @param {string} css
 */
export function dress(root, css = CSS) {
  if (!made.has(css)) made.set(css, constructed(css));
  const sheet = made.get(css);
  if (sheet) root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
  else root.append(Object.assign(document.createElement('style'), { textContent: css }));
}

/** @param {string} css */
function constructed(css) {
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    return sheet;
  } catch {
    return null;
  }
}
