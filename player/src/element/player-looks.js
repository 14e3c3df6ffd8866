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

.badge {
  position: absolute;
  top: 12px;
  left: 12px;
  padding: 4px 11px 4px 9px;
  border-radius: 999px;
  background: #0009;
  color: #fff;
  font-size: 12px;
  font-weight: 650;
  letter-spacing: 0.02em;
  opacity: 0;
  transition: opacity 200ms;
}
.badge::before {
  content: "";
  display: inline-block;
  width: 8px;
  height: 8px;
  margin-right: 6px;
  border-radius: 50%;
  background: var(--good);
}
[data-mood="busy"] .badge::before { background: var(--accent); }
.picture :is(.badge, .trust) { opacity: 1; }
.trust {
  position: absolute;
  top: 12px;
  right: 12px;
  max-width: calc(100% - 112px);
  padding: 4px 11px;
  overflow: hidden;
  text-overflow: ellipsis;
  white-space: nowrap;
  border-radius: 999px;
  background: #0009;
  color: #fff;
  font-size: 12px;
  font-weight: 600;
  opacity: 0;
  transition: opacity 200ms;
}
.trust[data-mood="good"] { color: var(--good); }
.trust:empty { display: none; }

.advice {
  position: absolute;
  top: 52px;
  left: 12px;
  max-width: min(46ch, 100% - 24px);
  padding: 9px 13px;
  border-radius: 10px;
  background: #000b;
  font-size: 13px;
}
.advice b { display: block; color: var(--accent); }
.bar {
  position: absolute;
  inset: auto 0 0;
  display: flex;
  justify-content: flex-end;
  gap: 4px;
  padding: 28px 10px 10px;
  background: linear-gradient(transparent, #000a);
  opacity: 0;
  transition: opacity 200ms, visibility 200ms;
}
/* What is not seen takes no touch either: the first one only shows it. */
.stage:not(.picture) .bar, .stage:not(.awake):not(.paused) .bar { visibility: hidden; }
.awake .bar, .paused .bar { opacity: 1; }
.picture:not(.awake):not(.paused) { cursor: none; }
.bar button {
  display: grid;
  place-items: center;
  width: 44px;
  height: 44px;
  border: 0;
  border-radius: 10px;
  background: none;
  color: #fff;
  cursor: pointer;
}
.bar .volume { width: 84px; accent-color: #fff; align-self: center; }
.delay { align-self: center; margin-left: 8px; color: #fff; font-size: 13px; font-variant-numeric: tabular-nums; white-space: nowrap; }
.quality {
  min-width: 44px;
  height: 44px;
  padding: 0 12px;
  border: 0;
  border-radius: 10px;
  background: none;
  color: #fff;
  color-scheme: dark;
  font: inherit;
  font-size: 14px;
  font-weight: 600;
  text-align: center;
  appearance: none;
  cursor: pointer;
}
.bar :is(button, .quality):hover { background: #ffffff26; }
:is(button, .quality):focus-visible { outline: 2px solid var(--accent); outline-offset: -2px; }
.bar svg { width: 22px; height: 22px; fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linecap: round; stroke-linejoin: round; }
[data-state="live"] .badge { background: var(--live); }
[data-state="live"] .badge::before { background: #fff; }
.stage:not(.sound) :is(.mute, .volume), .stage:not(.can-pip) .pip { display: none; }
.space { flex: 1; }
.paused .halt, .stage:not(.paused) .go { display: none; }
.muted .waves, .stage:not(.muted) .slash { display: none; }
@container (max-height: 170px) {
  .hint { display: none; }
  .mark { width: 36px; }
}

@keyframes turn { to { transform: rotate(1turn); } }
@keyframes breathe { 50% { transform: scale(0.7); opacity: 0.6; } }
@container (max-width: 420px) { .volume, .pip { display: none; } }
@media (prefers-reduced-motion: reduce) {
  .arc, .core { animation: none !important; }
  video, .overlay, .badge, .trust, .bar { transition: none !important; }
}
@media (forced-colors: active) {
  .bar, .badge, .trust, .advice { border: 1px solid; background: Canvas; }
  .bar :is(button, .quality), .delay { color: ButtonText; }
  .mark .arc, .mark .ring { stroke: CanvasText; }
  .mark :is(.core, .start) { fill: CanvasText; }
}
`;

/** @type {CSSStyleSheet | null | undefined} null where browsers make none: Safari before 16.4 */
let shared;

/**
 * Gives a player its looks. One constructed sheet for all players of a page, for a `<style>` element needs
 * `unsafe-inline` of the page's Content-Security-Policy; old browsers get that all the same.
 *
 * @param {ShadowRoot} root
 */
export function dress(root) {
  if (shared === undefined) shared = constructed();
  if (shared) root.adoptedStyleSheets = [shared];
  else root.append(Object.assign(document.createElement('style'), { textContent: CSS }));
}

function constructed() {
  try {
    const made = new CSSStyleSheet();
    made.replaceSync(CSS);
    return made;
  } catch {
    return null;
  }
}
