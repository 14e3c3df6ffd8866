// @ts-check
/**
 * A publisher's certificate is the one that its offer names, or nothing of it is forwarded: for
 * RSA (GStreamer), for a publisher that is the DTLS server (FFmpeg), and for the rest.
 */

import assert from 'node:assert/strict';
import test from 'node:test';
import { Stage } from '../stage/stage.js';
import { ownAddress } from '../networks/own-address.js';
import { PUBLISHERS } from './publishers.js';
import { Tap } from '../stage/tap.js';

const UP = /a connection to the relay is up/;
const REFUSED = /a certificate is not the one that was announced/;

/** @param {string} offer */
const withAnotherFingerprint = (offer) =>
  offer.replaceAll(/^(a=fingerprint:\S+ )(..)/gm, (_, start, first) => start + (first === '00' ? '01' : '00'));

for (const name of ['FFmpeg 9', 'OBS (double)', 'GStreamer whipsink', 'aiortc']) {
  const publisher = PUBLISHERS.find((publisher) => publisher.name === name);
  assert.ok(publisher);

  for (const isForged of [false, true]) {
    const what = isForged ? 'another certificate than its offer names: refused' : 'its own certificate: taken';
    test(`${name}, ${what}`, { timeout: 180_000 }, async (t) => {
      const stage = new Stage(t, { gateway: ['--media-listen', `${ownAddress()}:0`, '--log', 'debug'] });
      const gateway = await stage.startGateway();
      const tap = await Tap.open(stage.origin, isForged ? withAnotherFingerprint : undefined);
      t.after(() => tap.close(`certificate of ${name}`));
      const stop = await publisher.publish(stage, tap, 'forged');
      t.after(() => stop());
      await gateway.says(isForged ? REFUSED : UP);
      assert.equal(UP.test(gateway.output), !isForged);
    });
  }
}
