/** The clients of the npm package whip-whep, as its README uses them. */

import { WHEPClient } from 'whip-whep/whep.js';
import { WHIPClient } from 'whip-whep/whip.js';

/**
 * @param {string} endpoint
 * @param {HTMLVideoElement} video
 */
export async function watch(endpoint, video) {
  const peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  // The README gives no direction, so the offer says sendrecv.
  peer.addTransceiver('audio');
  peer.addTransceiver('video');
  peer.ontrack = ({ track, streams }) => { if (track.kind === 'video') [video.srcObject] = streams; };
  const client = new WHEPClient();
  await client.view(peer, endpoint);
  return () => client.stop();
}

/** @param {string} endpoint */
export async function publish(endpoint) {
  const peer = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 360 } });
  for (const track of stream.getTracks()) peer.addTransceiver(track, { direction: 'sendonly' });
  const client = new WHIPClient();
  await client.publish(peer, endpoint);
  return () => client.stop();
}
