// @ts-check
/** A gateway that listens on loopback, from where Firefox takes no media. */

import test from 'node:test';
import { openInFirefox } from '../stage/firefox.js';
import { Stage, becomes, shot } from '../stage/stage.js';

test('Firefox, and a publisher that serves nobody itself: why there is no picture', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  stage.startPublisher('loopback', ['--codec', 'vp8']);
  const page = await openInFirefox(t, `${stage.origin}/watch/loopback`);
  await becomes(page, 'loopback');
  await shot(page, 'loopback-firefox');
});
