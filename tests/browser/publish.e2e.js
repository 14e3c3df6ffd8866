// @ts-check
/** A browser as the camera, with another one watching. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { Stage, becomes, difference, moves, picture, shot } from '../stage/stage.js';

test('from the publish page to the watch page, by name', { timeout: 90_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const camera = await stage.open('/publish');
  await camera.getByLabel('Room name').fill('phone');
  await camera.getByRole('button', { name: 'Go on air' }).click();
  await camera.getByRole('heading', { name: 'On air' }).waitFor({ timeout: 10_000 });
  const link = await camera.getByLabel('Link for viewers').inputValue();
  assert.equal(link, `${stage.origin}/watch/phone`);

  const viewers = [await stage.watch('phone'), await stage.watch('phone')];
  for (const viewer of viewers) await becomes(viewer, 'live', 15_000);
  await Promise.all(viewers.map((viewer) => moves(viewer, 10_000)));
  await camera.getByText('2 viewers are watching.').waitFor({ timeout: 5000 });
  await shot(camera, 'publish');

  const first = await picture(viewers[0]);
  const until = Date.now() + 5000;
  let changed = 0;
  while (changed < 0.2 && Date.now() < until) changed = difference(first, await picture(viewers[0]));
  assert.ok(changed >= 0.2, 'the picture changes');

  await camera.getByRole('button', { name: 'Go off air' }).click();
  await becomes(viewers[0], 'gone', 10_000);
});

test('a room that is a key of the browser', { timeout: 90_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const camera = await stage.open('/publish');
  await camera.getByLabel('A key of this browser').check();
  await camera.getByRole('button', { name: 'Go on air' }).click();
  await camera.getByRole('heading', { name: 'On air' }).waitFor({ timeout: 10_000 });
  const link = new URL(await camera.getByLabel('Link for viewers').inputValue());
  assert.match(link.pathname, /^\/watch\/[0-9a-f]{64}$/);
  const viewer = await stage.open(link.pathname);
  await becomes(viewer, 'live', 15_000);
  await moves(viewer, 10_000);

  // The key stays with the browser: the same room after a reload.
  await camera.reload();
  await camera.getByLabel('A key of this browser').check();
  await camera.getByRole('button', { name: 'Go on air' }).click();
  await camera.getByRole('heading', { name: 'On air' }).waitFor({ timeout: 10_000 });
  assert.equal(await camera.getByLabel('Link for viewers').inputValue(), link.href);
  await becomes(viewer, 'live', 15_000);
});
