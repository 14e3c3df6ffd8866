// @ts-check
/** How looks what is seen over a picture only, the bar of buttons for one: it is fetched with that. */

const CSS = `
.badge {
  visibility: visible;
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
  visibility: visible;
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

[data-state="live"] .badge { background: var(--live); }
[data-state="live"] .badge::before { background: #fff; }
.advice {
  visibility: visible;
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
  visibility: visible;
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
.stage:not(.sound) :is(.mute, .volume), .stage:not(.can-pip) .pip { display: none; }
.space { flex: 1; }
.paused .halt, .stage:not(.paused) .go { display: none; }
.muted .waves, .stage:not(.muted) .slash { display: none; }
@container (max-width: 420px) { .volume, .pip { display: none; } }
@media (forced-colors: active) {
  .bar, .badge, .trust, .advice { border: 1px solid; background: Canvas; }
  .bar :is(button, .quality), .delay { color: ButtonText; }
}
`;

export const OVER_PICTURE = CSS;
