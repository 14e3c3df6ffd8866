// @ts-check
/** A browser as the camera, with another one watching. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { Stage, becomes, changes, moves, shot } from '../stage/stage.js';

test('from the publish page to the watch page, by name', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const camera = await stage.open('/publish');
  await camera.getByLabel('A name').check();
  await camera.getByLabel('Room name').fill('phone');
  await camera.getByRole('button', { name: 'Go on air' }).click();
  await camera.getByRole('heading', { name: 'On air' }).waitFor();
  const link = await camera.getByLabel('Link for viewers').inputValue();
  assert.equal(link, `${stage.origin}/watch/phone`);

  const viewers = [await stage.watch('phone'), await stage.watch('phone')];
  for (const viewer of viewers) await becomes(viewer, 'live');
  await Promise.all(viewers.map((viewer) => moves(viewer)));
  await camera.getByText('2 viewers are watching.').waitFor();
  await shot(camera, 'publish');

  await changes(viewers[0]);

  await camera.getByRole('button', { name: 'Go off air' }).click();
  await becomes(viewers[0], 'gone');
});

test('a room that is a key of the browser', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const camera = await stage.open('/publish');
  await camera.getByLabel('A key of this browser').check();
  await camera.getByRole('button', { name: 'Go on air' }).click();
  await camera.getByRole('heading', { name: 'On air' }).waitFor();
  const link = new URL(await camera.getByLabel('Link for viewers').inputValue());
  assert.match(link.pathname, /^\/watch\/[0-9a-f]{64}$/);
  const viewer = await stage.open(link.pathname);
  await becomes(viewer, 'live');
  await moves(viewer);

  // The key stays with the browser: the same room after a reload.
  await camera.reload();
  await camera.getByLabel('A key of this browser').check();
  await camera.getByRole('button', { name: 'Go on air' }).click();
  await camera.getByRole('heading', { name: 'On air' }).waitFor();
  assert.equal(await camera.getByLabel('Link for viewers').inputValue(), link.href);
  await becomes(viewer, 'live');
});
