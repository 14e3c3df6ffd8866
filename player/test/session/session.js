// @ts-check
/** A session in a world of its own, for the tests of sessions. */

import { WhepSession } from '../../src/session/whep-session.js';
import { World, gateway, relayed } from '../world.js';

export const ENDPOINT = 'https://gateway.example/whep/garage';
export const SESSION = 'https://gateway.example/whep/garage/1';

/**
 * @param {Parameters<typeof gateway>[0]} [special]
 * @param {Partial<ConstructorParameters<typeof WhepSession>[0]>} [options]
 */
export function start(special = () => undefined, options = {}) {
  const world = new World(gateway(special));
  /** @type {string[]} */
  const phases = [];
  /** @type {number[]} */
  const counts = [];
  const session = new WhepSession({
    endpoint: ENDPOINT,
    env: world.env,
    listener: {
      phase: (phase, path) => phases.push(`${phase} ${path}`),
      viewers: (count) => counts.push(count),
    },
    ...options,
  });
  /** @type {any} */
  let ending = null;
  const run = session.run().then((end) => (ending = end));
  return { world, session, phases, counts, run, ending: () => ending };
}

/** @param {World} world up to a picture that moves */
export async function goLive(world) {
  await world.pass(100);
  world.peer.become('connected');
  world.peer.frames = 1;
  await world.pass(100);
}

/** @param {Parameters<typeof gateway>[0]} [special] */
export const startRelayed = (special = () => undefined) => start((request, world) => {
  const { method, url } = request;
  return special(request, world) ?? (method === 'POST' && url === ENDPOINT ? relayed() : undefined);
});
