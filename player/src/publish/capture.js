// @ts-check
/** This device's cameras, microphones and screen. */

import { CAPTURE, SOURCE } from '../words/publish-words.js';

/** What is asked of a camera: the size and rate that Sightline is about. */
const PICTURE = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };

/** Values of the picture choice that name no device. */
export const ANY = 'any';
export const FRONT = 'front';
export const BACK = 'back';
export const SCREEN = 'screen';
export const NONE = 'none';

/** Whether this page may ask for a camera at all: browsers want https or localhost. */
export const canCapture = () => navigator.mediaDevices !== undefined;

/** Whether this is a phone or a tablet, whose cameras people know as front and back. */
export const hasTwoSides = () => matchMedia('(pointer: coarse)').matches;

/** Whether there is a screen to share: phones have none that they would give. */
export const canShareScreen = () =>
  canCapture() && typeof navigator.mediaDevices.getDisplayMedia === 'function';

/**
 * Starts what was chosen.
 *
 * @param {string} video a device id, `ANY`, `FRONT`, `BACK` or `SCREEN`
 * @param {string} audio a device id, `ANY` or `NONE`
 * @returns {Promise<MediaStream>}
 */
export async function capture(video, audio) {
  const sound = audio === NONE ? false : device(audio, {});
  if (video !== SCREEN) {
    const constraints = { video: device(video, PICTURE), audio: sound };
    return hinted(await navigator.mediaDevices.getUserMedia(constraints), 'motion');
  }
  const screen = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: 30 } });
  if (sound === false) return hinted(screen, 'detail');
  const voice = await navigator.mediaDevices.getUserMedia({ audio: sound }).catch(() => null);
  return hinted(new MediaStream([...screen.getTracks(), ...(voice?.getTracks() ?? [])]), 'detail');
}

/**
 * The choices for one kind of device. Labels are empty until a permission was given.
 *
 * @param {'videoinput' | 'audioinput'} kind
 * @returns {Promise<string[][]>} value and label
 */
export async function devices(kind) {
  const all = await navigator.mediaDevices.enumerateDevices();
  const own = all.filter((each) => each.kind === kind && each.deviceId !== '');
  return own.map(({ deviceId, label }) => [deviceId, label || SOURCE.unnamed]);
}

/**
 * What went wrong, in words for the person in front of the camera.
 *
 * @param {unknown} error
 */
export function captureTrouble(error) {
  const name = error instanceof DOMException ? error.name : '';
  return name in CAPTURE ? CAPTURE[/** @type {keyof typeof CAPTURE} */ (name)] : CAPTURE.other;
}

/**
 * @param {string} choice
 * @param {MediaTrackConstraints} wishes
 * @returns {MediaTrackConstraints | boolean}
 */
function device(choice, wishes) {
  if (choice === FRONT) return { ...wishes, facingMode: 'user' };
  if (choice === BACK) return { ...wishes, facingMode: 'environment' };
  if (choice !== ANY) return { ...wishes, deviceId: { exact: choice } };
  return Object.keys(wishes).length > 0 ? wishes : true;
}

/**
 * @param {MediaStream} stream
 * @param {string} hint what to keep when bandwidth is short
 */
function hinted(stream, hint) {
  for (const track of stream.getVideoTracks()) track.contentHint = hint;
  return stream;
}
