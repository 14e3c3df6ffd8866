// @ts-check
import assert from 'node:assert/strict';
import test from 'node:test';
import { GAP, pictureSize } from '../../src/wall/grid.js';

/** @param {number} count @param {number} width @param {number} height */
function fits(count, width, height) {
  const one = pictureSize(count, width, height);
  const columns = Math.floor((width + GAP) / (one.width + GAP));
  const rows = Math.floor((height + GAP) / (one.height + GAP));
  assert.ok(columns * rows >= count, `${count} in ${width}×${height}: ${columns} × ${rows} of ${one.width}×${one.height}`);
  return one;
}

test('one picture is as large as the window lets it be', () => {
  assert.deepEqual(pictureSize(1, 1920, 1080), { width: 1920, height: 1080 });
  assert.equal(pictureSize(1, 390, 844).width, 390);
  assert.equal(pictureSize(1, 3000, 360).height, 360);
});

test('on a phone held upright they stand below each other, on a wide screen side by side', () => {
  assert.equal(pictureSize(3, 390, 844).width, 390);
  assert.equal(pictureSize(2, 2560, 720).width, Math.floor((2560 + GAP) / 2 - GAP));
});

test('all of them fit into any window', () => {
  for (let count = 1; count <= 24; count += 1) {
    for (const [width, height] of [[1920, 1080], [1280, 744], [390, 788], [844, 330], [3440, 1440], [200, 200]]) {
      assert.ok(fits(count, width, height).width > 0);
    }
  }
});
