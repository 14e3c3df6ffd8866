// @ts-check
/** What `<whep-player>` is made of. */

const HTML = `
<div class="stage muted" data-state="idle" data-mood="quiet">
  <video autoplay muted playsinline disableremoteplayback></video>
  <canvas class="last" width="0" height="0" hidden aria-hidden="true"></canvas>
  <span class="said" role="status" aria-live="polite"></span>
  <div class="overlay">
    <svg class="mark" viewBox="0 0 64 64" aria-hidden="true">
      <circle class="ring" cx="32" cy="32" r="28"/>
      <circle class="arc" cx="32" cy="32" r="28"/>
      <circle class="core" cx="32" cy="32" r="9"/>
      <path class="cross" d="M13 51 51 13"/>
      <path class="start" d="M25 20v24l20-12z"/>
    </svg>
    <span class="title" aria-hidden="true"></span>
    <span class="hint"></span>
    <span class="seen" hidden></span>
    <button class="retry" type="button" data-say="retry" hidden></button>
  </div>
  <span class="badge" part="badge" aria-hidden="true"></span>
  <span class="trust" part="trust"></span>
  <div class="advice" part="advice" role="status" hidden><b></b><span></span></div>
  <div class="bar" part="controls" role="group" data-say-aria-label="bar">
    <button class="playback" type="button">
      <svg viewBox="0 0 24 24" aria-hidden="true"><path class="go" d="M8 5v14l11-7z"/><path class="halt" d="M9 6v12m6-12v12"/></svg>
    </button>
    <button class="mute" type="button">
      <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 9.5v5h3.5L12 18.5v-13L7.5 9.5z"/><path class="waves" d="M15.5 9a4 4 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11"/><path class="slash" d="m16 9.5 5 5m0-5-5 5"/></svg>
    </button>
    <input class="volume" type="range" min="0" max="1" step="0.05" data-say-aria-label="volume">
    <span class="delay" part="delay" data-say-title="age"></span>
    <span class="space"></span>
    <button class="whole" type="button" data-say-aria-label="whole">
      <svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="10.5" cy="10.5" r="6"/><path d="m15 15 5 5M8 10.5h5"/></svg>
    </button>
    <select class="quality" data-say-aria-label="quality" hidden></select>
    <button class="snapshot" type="button" data-say-aria-label="snapshot">
      <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M4 8h3.5L9 6h6l1.5 2H20v11H4z"/><circle cx="12" cy="13" r="3.4"/></svg>
    </button>
    <button class="pip" type="button" data-say-aria-label="pip">
      <svg viewBox="0 0 24 24" aria-hidden="true"><rect x="3" y="5" width="18" height="14" rx="2"/><rect x="12" y="12" width="6.5" height="4.5" rx="1" fill="currentColor"/></svg>
    </button>
    <button class="fullscreen" type="button" data-say-aria-label="fullscreen">
      <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M9 4H4v5m11-5h5v5M9 20H4v-5m11 5h5v-5"/></svg>
    </button>
  </div>
</div>
`;

/** @type {HTMLTemplateElement | undefined} */
let tree;

/** The shadow tree, to be cloned; its words are `CONTROLS`, by `say`. */
export function template() {
  if (!tree) {
    tree = document.createElement('template');
    tree.innerHTML = HTML;
  }
  return tree;
}
