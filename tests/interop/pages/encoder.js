/**
 * A publisher that is a page: a moving picture, encoded by Chromium in the codec that is asked
 * for.
 */

const [WIDTH, HEIGHT] = [640, 360];

/** @returns {MediaStreamTrack} a box that moves, thirty times a second */
function movingPicture() {
  const canvas = Object.assign(document.createElement('canvas'), { width: WIDTH, height: HEIGHT });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  let count = 0;
  setInterval(() => {
    count += 1;
    context.fillStyle = `hsl(${count % 360} 60% 40%)`;
    context.fillRect(0, 0, WIDTH, HEIGHT);
    context.fillStyle = 'white';
    context.fillRect((7 * count) % WIDTH, (3 * count) % HEIGHT, 80, 80);
  }, 1000 / 30);
  return canvas.captureStream(30).getVideoTracks()[0];
}

/**
 * @param {string} endpoint
 * @param {string} mimeType
 * @returns {Promise<{ shrink: () => Promise<void>, leave: () => Promise<unknown> }>}
 */
export async function publish(endpoint, mimeType) {
  const peer = new RTCPeerConnection();
  const transceiver = peer.addTransceiver(movingPicture(), { direction: 'sendonly' });
  const all = RTCRtpSender.getCapabilities('video')?.codecs ?? [];
  const codecs = all.filter((codec) => codec.mimeType === mimeType || codec.mimeType === 'video/rtx');
  transceiver.setCodecPreferences(codecs);
  await peer.setLocalDescription();
  const response = await fetch(endpoint, {
    method: 'POST', headers: { 'Content-Type': 'application/sdp' }, body: peer.localDescription?.sdp,
  });
  if (response.status !== 201) throw new Error(`POST was answered with ${response.status}`);
  await peer.setRemoteDescription({ type: 'answer', sdp: await response.text() });
  const session = new URL(response.headers.get('Location') ?? '', endpoint);
  return {
    shrink: async () => {
      const parameters = transceiver.sender.getParameters();
      parameters.encodings[0].scaleResolutionDownBy = 2;
      await transceiver.sender.setParameters(parameters);
    },
    leave: () => fetch(session, { method: 'DELETE' }),
  };
}
