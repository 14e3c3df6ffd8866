// @ts-check
/**
 * RTP as OBS sends it: libdatachannel's way of cutting H.264, with the mid and the rid in every
 * packet. The npm package has that library's packetizer, but not its header extensions.
 */

/** Largest NAL unit, or fragment of one, in bytes (OBS: MAX_VIDEO_FRAGMENT_SIZE). */
const FRAGMENT = 1200;

const MID_ID = 1;
const RID_ID = 2;

const FU_A = 28;

/**
 * The NAL units of an access unit in Annex B format.
 *
 * @param {Buffer} picture
 * @returns {Buffer[]}
 */
export function nalUnits(picture) {
  const units = [];
  let start = picture.indexOf(START) + START.length;
  while (start < picture.length) {
    const next = picture.indexOf(START, start);
    // The zero before a start code belongs to the long form of the start code.
    const end = next < 0 ? picture.length : next - (picture[next - 1] === 0 ? 1 : 0);
    units.push(picture.subarray(start, end));
    start = next < 0 ? picture.length : next + START.length;
  }
  return units;
}
const START = Buffer.from([0, 0, 1]);

/** When pictures are shown, of a stream with as many B-frames between any two others. */
export class DisplayOrder {
  #reordered;
  /** Of the last picture that others are made of. */
  #last = -1;
  /** B-frames since then. */
  #between = 0;

  /** @param {number} reordered */
  constructor(reordered) {
    this.#reordered = reordered;
  }

  /**
   * @param {Buffer} picture
   * @returns {number} counted from 0
   */
  of(picture) {
    const header = nalUnits(picture).map(([first]) => first).find((first) => [1, 5].includes(first & 31)) ?? 0;
    if (header >> 5 === 0) return this.#last - this.#reordered + this.#between++;
    this.#between = 0;
    this.#last += (header & 31) === 5 ? 1 : this.#reordered + 1;
    return this.#last;
  }
}

/**
 * RTP payloads of a NAL unit: itself, or fragments of equal size (RFC 6184 section 5.8).
 *
 * @param {Buffer} unit
 * @returns {Buffer[]}
 */
function payloads(unit) {
  if (unit.length <= FRAGMENT) return [unit];
  const size = Math.ceil(unit.length / Math.ceil(unit.length / FRAGMENT)) - 2;
  const [header] = unit;
  const parts = [];
  for (let offset = 1; offset < unit.length; offset += size) {
    const isFirst = offset === 1 ? 0x80 : 0;
    const isLast = offset + size >= unit.length ? 0x40 : 0;
    const head = Buffer.from([(header & 0xe0) | FU_A, isFirst | isLast | (header & 0x1f)]);
    parts.push(Buffer.concat([head, unit.subarray(offset, offset + size)]));
  }
  return parts;
}

/** One source of packets, and what its sender reports need. */
export class VideoSource {
  #ssrc;
  #payloadType;
  #extensions;
  #sequence = 0;
  #packets = 0;
  #octets = 0;

  /**
   * @param {{ ssrc: number, payloadType: number, mid: string, rid: string }} source
   */
  constructor({ ssrc, payloadType, mid, rid }) {
    this.#ssrc = ssrc;
    this.#payloadType = payloadType;
    this.#extensions = headerExtensions([[MID_ID, mid], [RID_ID, rid]]);
  }

  /**
   * @param {Buffer} picture one access unit
   * @param {number} timestamp
   * @returns {Buffer[]} its packets
   */
  packets(picture, timestamp) {
    const cut = nalUnits(picture).flatMap(payloads);
    return cut.map((payload, index) => this.#packet(payload, timestamp, index === cut.length - 1));
  }

  /**
   * @param {Buffer} payload
   * @param {number} timestamp
   * @param {boolean} isLast of its picture
   */
  #packet(payload, timestamp, isLast) {
    const header = Buffer.alloc(12);
    header[0] = 0x90;
    header[1] = (isLast ? 0x80 : 0) | this.#payloadType;
    header.writeUInt16BE(this.#sequence, 2);
    header.writeUInt32BE(timestamp % 2 ** 32, 4);
    header.writeUInt32BE(this.#ssrc, 8);
    this.#sequence = (this.#sequence + 1) % 2 ** 16;
    this.#packets += 1;
    this.#octets += payload.length;
    return Buffer.concat([header, this.#extensions, payload]);
  }

  /**
   * A sender report (RFC 3550 section 6.4.1) without report blocks.
   *
   * @param {number} timestamp of the last picture
   * @param {number} now milliseconds since 1970
   */
  report(timestamp, now) {
    const report = Buffer.alloc(28);
    report[0] = 0x80;
    report[1] = 200;
    report.writeUInt16BE(6, 2);
    report.writeUInt32BE(this.#ssrc, 4);
    // Seconds since 1900, and their fraction.
    report.writeUInt32BE(Math.floor(now / 1000) + 2_208_988_800, 8);
    report.writeUInt32BE(Math.floor(((now % 1000) / 1000) * 2 ** 32), 12);
    report.writeUInt32BE(timestamp % 2 ** 32, 16);
    report.writeUInt32BE(this.#packets, 20);
    report.writeUInt32BE(this.#octets % 2 ** 32, 24);
    return report;
  }
}

/**
 * Header extensions with one-byte headers (RFC 8285 section 4.2).
 *
 * @param {[number, string][]} extensions
 */
function headerExtensions(extensions) {
  const body = Buffer.concat(extensions.map(([id, text]) =>
    Buffer.concat([Buffer.from([(id << 4) | (text.length - 1)]), Buffer.from(text)])));
  const words = Math.ceil(body.length / 4);
  const block = Buffer.alloc(4 + words * 4);
  block.writeUInt16BE(0xbede, 0);
  block.writeUInt16BE(words, 2);
  body.copy(block, 4);
  return block;
}
