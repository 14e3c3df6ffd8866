// @ts-check
/** What a viewer's session tells of itself, and how it ends. Types only: nothing of this is loaded. */

/** @typedef {import('./vitals.js').Vitals} Vitals */

/**
 * How far a session has come: the POST is out, media is being connected, the picture moves, it has
 * stopped, or the relay waits with us for a camera that is gone.
 *
 * @typedef {'asking' | 'connecting' | 'live' | 'still' | 'away'} Phase
 */

/**
 * Who sends the media: the camera itself, or the server for it.
 *
 * @typedef {'direct' | 'relay'} Path
 */

/**
 * Why a session ended, on which path, and whether its picture had ever moved.
 *
 * @typedef {{ path: Path, live: boolean, heldFor: number, mayHold: boolean } & (
 *   | { why: 'closed' | 'unreachable' | 'camera-gone' | 'offer-spent' | 'media-lost'
 *     | 'no-webrtc' | 'no-codec' }
 *   | { why: 'no-path', cause?: import('./doctor.js').Cause, evidence?: import('./ice-evidence.js').Evidence }
 *   | { why: 'told-to-reconnect', endpoint?: string }
 *   | { why: 'distrusted', distrust: import('../trust/trust.js').Distrust }
 *   | { why: 'refused', refusal: import('./problem.js').Refusal })} Ending
 */

/**
 * What a session tells while it lasts.
 *
 * @typedef {object} SessionListener
 * @property {(phase: Phase, path: Path) => void} [phase]
 * @property {(trust: import('../trust/trust.js').Trust, name: string | null) => void} [trust] before
 *   anything is played, with what the camera is called
 * @property {(tracks: MediaStreamTrack[]) => void} [tracks] all that came so far
 * @property {(vitals: Vitals) => void} [vitals]
 * @property {(count: number) => void} [viewers]
 * @property {(problem: string | null) => void} [problem] what is wrong with what the camera sends
 * @property {() => void} [soundOnly] there will be no picture
 * @property {(choices: import('./layers.js').Choice[]) => void} [layers] what `select` may choose
 */

export {};
