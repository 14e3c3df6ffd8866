// @ts-check
/**
 * The direct path where nothing is proved: a browser still takes only what comes by the
 * certificate that the camera's offer names (RFC 8827 section 6.5).
 */

import assert from 'node:assert/strict';
import test from 'node:test';
import { Tap } from '../stage/tap.js';
import { Stage, eventually } from '../stage/stage.js';

/** @param {string} offer */
const withAnotherFingerprint = (offer) =>
  offer.replaceAll(/^(a=fingerprint:\S+ )(..)/gm, (_, start, first) => start + (first === '00' ? '01' : '00'));

/**
 * Runs in a page: takes a camera's offer, with a browser and nothing else.
 *
 * @param {string} endpoint
 */
async function watch(endpoint) {
  const peer = new RTCPeerConnection();
  peer.addTransceiver('video', { direction: 'recvonly' });
  await peer.setLocalDescription();
  const headers = { 'Content-Type': 'application/sdp', Prefer: 'direct, wait=50' };
  const offered = await fetch(endpoint, { method: 'POST', headers, body: peer.localDescription?.sdp });
  const sdp = await offered.text();
  await peer.setLocalDescription({ type: 'rollback' });
  await peer.setRemoteDescription({ type: 'offer', sdp });
  await peer.setLocalDescription();
  const gathered = () => peer.iceGatheringState === 'complete';
  while (!gathered()) await new Promise((resolve) => { peer.onicegatheringstatechange = resolve; });
  const session = new URL(offered.headers.get('Location') ?? '', endpoint);
  await fetch(session, { method: 'PATCH', headers, body: peer.localDescription?.sdp });
  Object.assign(window, { peer });
}

/** Runs in that page: how far it came. The connection's state is a summary, and may be ahead of its transport's. */
function transport() {
  const { peer } = /** @type {{ peer: RTCPeerConnection }} */ (/** @type {any} */ (window));
  const used = peer.getReceivers().map((receiver) => receiver.transport).find((one) => one !== null);
  return { ice: used?.iceTransport.state, dtls: used?.state };
}

for (const isForged of [false, true]) {
  const what = isForged ? 'another certificate than its offer names: refused' : 'its own certificate: taken';
  test(`a camera with ${what}`, { timeout: 180_000 }, async (t) => {
    const stage = new Stage(t, { gateway: ['--relay', 'off'] });
    await stage.startGateway();
    const { origin } = stage;
    const tap = await Tap.open(origin, isForged ? withAnotherFingerprint : undefined);
    t.after(() => tap.close(`camera, ${what}`));
    stage.origin = tap.origin;
    stage.startCamera('garage');
    const page = await stage.openUrl(`${origin}/watch/elsewhere`);
    await page.evaluate(watch, `${origin}/whep/garage`);
    const came = await eventually('the connection is up or refused', () => page.evaluate(transport),
      ({ dtls }) => dtls === 'connected' || dtls === 'failed');
    // The network between them carries, so it is the certificate that decides.
    assert.match(came.ice ?? '', /^(connected|completed)$/);
    assert.equal(came.dtls, isForged ? 'failed' : 'connected');
  });
}
