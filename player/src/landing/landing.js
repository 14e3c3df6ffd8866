// @ts-check
/** The landing page: a link in, a device made a camera, and the cameras that were seen here. */

import { beAnApp } from '../app/app.js';
import { roomFromLocation } from '../trust/room.js';
import { wireLinkField } from '../page/link-field.js';
import { showCameras, wireCameras } from './cameras.js';
import { speak } from '../words/language.js';
import { PAGE } from '../words/landing-words.js';

/**
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @returns {T}
 */
const element = (id) => /** @type {T} */ (document.getElementById(id));

const named = roomFromLocation(location, 'watch');
if (named.kind === 'none') void prepare();
// Old links name their room so.
else location.replace(`/watch/${encodeURIComponent(named.kind === 'room' ? named.room : named.text)}${location.hash}`);

async function prepare() {
  await speak(PAGE);
  element('landing').hidden = false;
  wireLinkField(element('choose'), element('room'));
  element('scan').addEventListener('click', async () => {
    const { scan } = await import('./scanner.js');
    await scan();
  });
  wireCameras();
  void showCameras();
  // One that comes back by the browser's button was frozen meanwhile.
  addEventListener('pageshow', (event) => event.persisted && showCameras());
  const showNetwork = () => element('offline').toggleAttribute('hidden', navigator.onLine);
  addEventListener('online', showNetwork);
  addEventListener('offline', showNetwork);
  showNetwork();
  void beAnApp();
}
