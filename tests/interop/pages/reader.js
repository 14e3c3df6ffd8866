/**
 * A WHEP player with the manners of mediamtx's reader.js: asks for ICE servers by OPTIONS, takes
 * nothing but 201 and 204, sends every candidate as it comes with `If-Match: *`, and has no token
 * on what follows the POST.
 */

const ICE_SERVER =
  /^<(.+?)>; rel="ice-server"(; username="(.*?)"; credential="(.*?)"; credential-type="password")?/i;

/** @param {string | null} links of an answer to OPTIONS; anything there must be an ICE server */
function iceServers(links) {
  if (links === null) return [];
  return links.split(', ').map((link) => {
    const match = link.match(ICE_SERVER);
    if (!match) throw new Error(`OPTIONS has a Link that is no ICE server: ${link}`);
    const [, urls, withCredential, username, credential] = match;
    return withCredential ? { urls, username, credential } : { urls };
  });
}

/**
 * @param {string} endpoint
 * @param {HTMLVideoElement} video
 */
export async function watch(endpoint, video) {
  const options = await fetch(endpoint, { method: 'OPTIONS' });
  const peer = new RTCPeerConnection({ iceServers: iceServers(options.headers.get('Link')) });
  for (const kind of ['video', 'audio']) peer.addTransceiver(kind, { direction: 'recvonly' });
  // It always asks for a data channel too, wanted or not.
  peer.createDataChannel('');
  peer.ontrack = ({ streams }) => { [video.srcObject] = streams; };

  let session = '';
  /** @type {RTCIceCandidate[]} */
  const waiting = [];
  peer.onicecandidate = ({ candidate }) => {
    if (!candidate) return;
    if (session) send(session, peer, [candidate]);
    else waiting.push(candidate);
  };

  const offer = await peer.createOffer();
  await peer.setLocalDescription(offer);
  const response = await fetch(endpoint, {
    method: 'POST', headers: { 'Content-Type': 'application/sdp' }, body: offer.sdp,
  });
  if (response.status !== 201) {
    throw new Error(response.status === 400 ? (await response.json()).error : `bad status code ${response.status}`);
  }
  session = new URL(response.headers.get('location') ?? '', endpoint).href;
  await peer.setRemoteDescription({ type: 'answer', sdp: await response.text() });
  if (waiting.length > 0) send(session, peer, waiting.splice(0));
}

/**
 * @param {string} session
 * @param {RTCPeerConnection} peer
 * @param {RTCIceCandidate[]} candidates
 */
async function send(session, peer, candidates) {
  const offer = peer.localDescription?.sdp ?? '';
  const line = (/** @type {string} */ start) => offer.match(new RegExp(`^${start}.*$`, 'm'))?.[0].trim();
  const sections = offer.match(/^m=.*$/gm) ?? [];
  let fragment = `${line('a=ice-ufrag:')}\r\n${line('a=ice-pwd:')}\r\n`;
  sections.forEach((section, index) => {
    const own = candidates.filter(({ sdpMLineIndex }) => sdpMLineIndex === index);
    if (own.length === 0) return;
    fragment += `${section.trim()}\r\na=mid:${index}\r\n`;
    for (const { candidate } of own) fragment += `a=${candidate}\r\n`;
  });
  const { status } = await fetch(session, {
    method: 'PATCH',
    headers: { 'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': '*' },
    body: fragment,
  });
  if (status !== 204) throw new Error(`candidates were answered with ${status}`);
}
