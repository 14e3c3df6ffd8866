// @ts-check
/**
 * A double of OBS's WHIP output, on the library that OBS uses:
 *
 *     node obs.js URL [LAYERS [SECONDS [B-FRAMES]]]
 *
 * SECONDS from one keyframe to the next are two unless they are given, as streamers have it; B-FRAMES
 * between two others are none, as OBS sets it unless somebody has it ignore that.
 *
 * It follows plugins/obs-webrtc/whip-output.cpp of OBS 32 step by step. It tells what happens as
 * lines of JSON, and ends the friendly way on SIGTERM.
 */

import { randomBytes } from 'node:crypto';
import rtc from 'node-datachannel';
import { startEncoder } from './encoder.js';
import { DisplayOrder, VideoSource } from './rtp.js';

const AUDIO = { mid: '0', payloadType: 111, clockRate: 48_000 };
const VIDEO = { mid: '1', payloadType: 96, clockRate: 90_000 };

/** Milliseconds that OBS waits for an answer. */
const PATIENCE = 8000;

/** Packets that are kept for retransmission. */
const NACK_BUFFER = 4000;

const OPUS_FRAME = 0.02;
const FRAME = 1 / 30;

/** RTP time of the first picture: those shown before it may be among those sent after it. */
const BEGINNING = VIDEO.clockRate;

/**
 * @param {string} event
 * @param {object} [more]
 */
const tell = (event, more = {}) => console.log(JSON.stringify({ event, ...more }));

/** @param {number} length */
const name = (length) => randomBytes(length).toString('hex').slice(0, length);

class WhipOutput {
  #peer = new rtc.PeerConnection('obs', { iceServers: [] });
  #stream = name(16);
  #cname = name(16);
  #ssrc = randomBytes(4).readUInt32BE() % (2 ** 32 - 8);
  #layers;
  #audio;
  #audioConfig;
  #video;
  /** @type {VideoSource[]} */
  #sources = [];
  /** @type {number[]} pictures that each layer has sent */
  #pictures = [];
  #lastReport = 0;
  #order;
  #session = '';

  /**
   * @param {number} layers
   * @param {number} reordered B-frames between two others
   * @param {(why: string) => void} onFailed
   */
  constructor(layers, reordered, onFailed) {
    this.#layers = layers;
    this.#order = reordered > 0 ? new DisplayOrder(reordered) : null;
    this.#peer.onStateChange((state) => {
      if (state === 'connected') tell('connected');
      if (state === 'disconnected' || state === 'failed') onFailed(`the connection is ${state}`);
    });
    this.#audioConfig = new rtc.RtpPacketizationConfig(this.#ssrc, this.#cname, AUDIO.payloadType, AUDIO.clockRate);
    this.#audio = this.#addAudio();
    this.#video = this.#addVideo();
  }

  #addAudio() {
    const description = new rtc.Audio(AUDIO.mid, 'SendOnly');
    description.addOpusCodec(AUDIO.payloadType);
    description.addSSRC(this.#ssrc, this.#cname, this.#stream, `${this.#stream}-audio`);
    const track = this.#peer.addTrack(description);
    const packetizer = new rtc.RtpPacketizer(this.#audioConfig);
    packetizer.addToChain(new rtc.RtcpSrReporter(this.#audioConfig));
    packetizer.addToChain(new rtc.RtcpNackResponder());
    track.setMediaHandler(packetizer);
    return track;
  }

  #addVideo() {
    const description = new rtc.Video(VIDEO.mid, 'SendOnly');
    description.addSSRC(this.#ssrc + 1, this.#cname, this.#stream, `${this.#stream}-video`);
    description.parseSdpLine('a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid');
    description.parseSdpLine('a=extmap:2 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id');
    for (let layer = 0; layer < this.#layers; layer += 1) {
      if (this.#layers > 1) description.parseSdpLine(`a=rid:${layer} send`);
      // The rid is in the packets also where there is one layer only, and not in the offer.
      const [mid, rid] = [VIDEO.mid, String(layer)];
      const { payloadType } = VIDEO;
      this.#sources.push(new VideoSource({ ssrc: this.#ssrc + 1 + layer, payloadType, mid, rid }));
      this.#pictures.push(0);
    }
    if (this.#layers > 1) description.parseSdpLine(`a=simulcast:send ${this.#pictures.map((_, layer) => layer).join(';')}`);
    description.addH264Codec(VIDEO.payloadType);
    const track = this.#peer.addTrack(description);
    // Answers NACK. Nothing listens to PLI.
    track.setMediaHandler(new rtc.RtcpNackResponder(NACK_BUFFER));
    return track;
  }

  /** @param {string} endpoint */
  async connect(endpoint) {
    const offer = await this.#offer();
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: { 'Content-Type': 'application/sdp', 'User-Agent': 'Mozilla/5.0 (OBS-Studio/32.0.0; Linux x86_64; en-US)' },
      body: offer,
      signal: AbortSignal.timeout(PATIENCE),
    });
    if (response.status !== 201) throw new Error(`POST was answered with ${response.status}`);
    const answer = await response.text();
    if (answer === '') throw new Error('the 201 has no body');
    this.#session = sessionUrl(response);
    if (this.#layers > 1 && layersIn(answer) !== this.#layers) {
      throw new Error(`${layersIn(answer)} of ${this.#layers} layers were accepted`);
    }
    this.#peer.setRemoteDescription(answer.slice(answer.indexOf('v=0')), 'answer');
  }

  /** The offer as it is before candidates are gathered: OBS gathers when it has the answer. */
  async #offer() {
    const offer = await new Promise((/** @type {(offer: string) => void} */ resolve) => {
      this.#peer.onLocalDescription(resolve);
      this.#peer.setLocalDescription('offer');
    });
    if (this.#layers === 1) return offer;
    // In C++ the library leaves the sources out where there are layers.
    const [session, audio, video] = offer.split(/(?=^m=)/m);
    return session + audio + video.replace(/^a=ssrc:.*\r\n/gm, '');
  }

  /**
   * What comes before the connection is lost, the first keyframe among it.
   *
   * @param {number} layer
   * @param {Buffer} picture
   */
  sendPicture(layer, picture) {
    if (!this.#video.isOpen()) return;
    const shown = this.#order?.of(picture) ?? this.#pictures[layer];
    const timestamp = BEGINNING + Math.round(shown * FRAME * VIDEO.clockRate);
    this.#pictures[layer] += 1;
    for (const packet of this.#sources[layer].packets(picture, timestamp)) {
      this.#video.sendMessageBinary(packet);
    }
    const now = Date.now();
    if (layer > 0 || now < this.#lastReport + 1000) return;
    this.#lastReport = now;
    for (const source of this.#sources) this.#video.sendMessageBinary(source.report(timestamp, now));
  }

  /** @param {Buffer} opus */
  sendSound(opus) {
    if (!this.#audio.isOpen()) return;
    this.#audioConfig.timestamp = (this.#audioConfig.timestamp + OPUS_FRAME * AUDIO.clockRate) % 2 ** 32;
    this.#audio.sendMessageBinary(opus);
  }

  async stop() {
    this.#peer.close();
    if (!this.#session) return;
    const { status } = await fetch(this.#session, { method: 'DELETE', signal: AbortSignal.timeout(PATIENCE) });
    if (status !== 200) throw new Error(`DELETE was answered with ${status}`);
    tell('deleted', { status });
  }
}

/**
 * OBS sets a relative Location as the path of the endpoint's URL, so a query would be escaped.
 *
 * @param {Response} response
 */
function sessionUrl(response) {
  const location = response.headers.get('location');
  if (!location) throw new Error('the 201 has no Location');
  if (location.startsWith('http')) return location;
  const url = new URL(response.url);
  url.pathname = location;
  url.search = '';
  return url.href;
}

/**
 * OBS counts the semicolons of the first simulcast line.
 *
 * @param {string} answer
 */
function layersIn(answer) {
  const line = answer.match(/a=simulcast[^\r\n]*\r\n/)?.[0];
  return line === undefined ? 0 : line.split(';').length;
}

async function main() {
  const [endpoint, layers = '1', interval = '2', reordered = '0'] = process.argv.slice(2);
  tell('starting');
  let stopEncoder = () => {};
  let failure = '';
  const over = new Promise((/** @type {(none: void) => void} */ resolve) => {
    process.on('SIGTERM', () => resolve());
    const output = new WhipOutput(Number(layers), Number(reordered), (why) => {
      failure ||= why;
      resolve();
    });
    output.connect(endpoint).then(async () => {
      stopEncoder = await startEncoder(Number(layers), Number(interval), Number(reordered), {
        onPicture: (layer, picture) => output.sendPicture(layer, picture),
        onSound: (opus) => output.sendSound(opus),
      });
      await over;
      stopEncoder();
      await output.stop();
    }).catch((error) => {
      failure ||= String(error);
      stopEncoder();
      resolve();
    }).finally(() => {
      if (failure) tell('failed', { why: failure });
      process.exit(failure ? 1 : 0);
    });
  });
}

await main();
