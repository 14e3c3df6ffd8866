// @ts-check
/** What `<whep-player>` tells the page around it. Types only: nothing of this is loaded. */

/**
 * What somebody sees, in words: `title` and `hint` are for people, and may be in their language.
 *
 * @typedef {{ title: string, hint: string }} Said
 */

/**
 * What the events carry as `detail`. All of them bubble, out of shadow trees as well.
 *
 * @typedef {object} PlayerEvents
 * @property {Said & { state: import('../session/next-step.js').State, detail: string }} statechange `detail` is
 *   the server's own words
 * @property {Said & { trust: import('../trust/trust.js').Trust | null, name: string | null }} trustchange null when
 *   there is no picture; the name is what its owner calls the camera
 * @property {Said & { advice: import('../session/advice.js').Advice | null }} advicechange what the sender could
 *   set better
 * @property {Partial<Said> & { cause: import('../session/doctor.js').Cause | null,
 *   evidence: import('../session/ice-evidence.js').Evidence | null }} diagnosis why no way for media was found; null when
 *   there is one again
 * @property {import('../session/vitals.js').Vitals
 *   & { path: import('../session/terms.js').Path, delay: number | null }} vitals once a second while it is live;
 *   `delay` in seconds, null where nobody knows
 * @property {{ who: 'camera' } | { who: 'viewer', count: number }} join `count` is how many watch now
 * @property {{ who: 'camera' } | { who: 'viewer', count: number }} leave
 */

export {};
