// @ts-check
/** Pages of others, also under the `bundlePolicy` that makes one transport of all at once. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { Stage } from '../stage/stage.js';

/**
 * Publishes sound as G.711, for which the relay has no use, and after it pictures. Resolves to the
 * answer when the connection is up, or to what the browser says.
 *
 * @param {RTCBundlePolicy} bundlePolicy
 */
async function publish(bundlePolicy) {
  const peer = new RTCPeerConnection({ bundlePolicy });
  const canvas = document.createElement('canvas');
  canvas.getContext('2d')?.fillRect(0, 0, 9, 9);
  const [sound] = new AudioContext().createMediaStreamDestination().stream.getTracks();
  const [picture] = canvas.captureStream(10).getTracks();
  const { codecs } = RTCRtpSender.getCapabilities('audio') ?? { codecs: [] };
  const first = peer.addTransceiver(sound, { direction: 'sendonly' });
  first.setCodecPreferences(codecs.filter(({ mimeType }) => mimeType === 'audio/PCMA'));
  peer.addTransceiver(picture, { direction: 'sendonly' });
  await peer.setLocalDescription();
  const headers = { 'Content-Type': 'application/sdp' };
  const response = await fetch(`/whip/${bundlePolicy}`, { method: 'POST', headers, body: peer.localDescription?.sdp });
  const sdp = await response.text();
  try {
    await peer.setRemoteDescription({ type: 'answer', sdp });
  } catch (error) {
    return String(error);
  }
  await new Promise((/** @type {(none: void) => void} */ resolve) => {
    const look = () => { if (peer.connectionState === 'connected') resolve(); };
    peer.addEventListener('connectionstatechange', look);
    look();
  });
  return sdp;
}

test('a first section that there is no encoding for holds up nothing', { timeout: 180_000 }, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const page = await stage.open('/publish');
  /** @type {RTCBundlePolicy[]} */
  const policies = ['max-bundle', 'balanced', 'max-compat'];
  for (const policy of policies) {
    const answer = await page.evaluate(publish, policy);
    const [, first] = answer.split('\r\nm=');
    assert.match(first ?? answer, /^audio 9 .*\r\na=inactive\r\n/s, policy);
  }
});
