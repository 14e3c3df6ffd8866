// @ts-check
/** The pages in the browser's language. */

import assert from 'node:assert/strict';
import test from 'node:test';
import { elsewhere } from '../stage/elsewhere.js';
import { openInFirefox } from '../stage/firefox.js';
import { Stage, becomes, eventually, shot } from '../stage/stage.js';

/** @typedef {import('playwright-core').Page} Page */

const LONG = { timeout: 180_000 };

/** What people see who have the browser in German. */
const GERMAN = { locale: 'de-DE', timezoneId: 'Europe/Berlin' };
const PHONE = { viewport: { width: 360, height: 740 } };

/**
 * Texts that are wider than what they are in, of what is seen in the page and the player.
 *
 * @param {Page} page
 */
const overflowing = (page) => page.evaluate(() => {
  const trees = [document, ...[...document.querySelectorAll('whep-player')].map(({ shadowRoot }) => shadowRoot)];
  const all = trees.flatMap((tree) => [...(tree?.querySelectorAll('*') ?? [])]);
  const isSeen = (/** @type {Element} */ each) => each.checkVisibility({ visibilityProperty: true }) && !each.matches('.said, script, style');
  return all.filter((each) => isSeen(each) && each instanceof HTMLElement)
    // The preview goes to the edge of a phone; what is too long ends in dots where that is wanted.
    .filter((each) => !each.querySelector('.frame'))
    .filter((each) => getComputedStyle(each).textOverflow !== 'ellipsis')
    .filter((each) => each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).display !== 'inline' && !each.matches('input, select'))
    .map((each) => `${each.localName}.${each.className}#${each.id} ${each.scrollWidth} > ${each.clientWidth}: ${each.textContent?.trim().slice(0, 60)}`);
});

/** English words that any of the pages has, and no German one. @param {Page} page */
const english = async (page) => {
  const texts = await page.evaluate(() => {
    const player = document.querySelector('whep-player')?.shadowRoot;
    const trees = [document, player].flatMap((tree) => [...(tree?.querySelectorAll('body *, .stage *') ?? [])]);
    return trees.filter((each) => !each.closest('noscript, [lang="en"]')).flatMap((each) => [
      ...[...each.childNodes].filter(({ nodeType }) => nodeType === Node.TEXT_NODE).map(({ nodeValue }) => nodeValue ?? ''),
      ...['aria-label', 'title', 'placeholder'].map((name) => each.getAttribute(name) ?? ''),
    ]);
  });
  return texts.filter((text) => /\b(the|of|this|is|and|you|your|picture|copy|close|path)\b/i.test(text))
    .filter((text) => !/\b(der|die|das|den|ist)\b/i.test(text));
};

for (const [device, size] of /** @type {const} */ ([['desktop', {}], ['phone', PHONE]])) {
  test(`the watch page in German: ${device}`, LONG, async (t) => {
    const stage = new Stage(t);
    await stage.startGateway();
    const camera = stage.startCamera('deutsch', ['--size', '640x360']);
    const page = await (await stage.newContext({ ...GERMAN, ...size })).newPage();
    await page.goto(`${stage.origin}/watch/deutsch`);
    await becomes(page, 'live');
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'de');
    await page.keyboard.press('i');
    await page.getByText('Direkt', { exact: true }).waitFor();
    await eventually('figures as in German', () => page.locator('#buffer').innerText(), (said) => /^\d+ ms · Jitter \d+ ms$/.test(said));
    await page.getByRole('img', { name: /^Bildrate: jetzt \d+ Bilder\/s, in der letzten Minute zwischen/ }).waitFor({ state: 'attached' });
    await page.mouse.move(30, 300);
    await page.mouse.move(30, 310);
    assert.deepEqual(await english(page), []);
    assert.deepEqual(await overflowing(page), []);
    await shot(page, `german-${device}`);
    await page.keyboard.press('i');
    await page.locator('#trust').click();
    await page.getByText('Hat nicht nachgewiesen, welche sie ist.').waitFor();
    assert.deepEqual(await overflowing(page), []);
    await shot(page, `german-${device}-sheet`);
    await page.keyboard.press('Escape');
    await page.keyboard.press('?');
    await page.getByText('Diese Tasten').waitFor();
    await shot(page, `german-${device}-keys`);
    await page.keyboard.press('Escape');
    await camera.end('SIGTERM');
    await becomes(page, 'gone');
    await page.getByText(/^Zuletzt gesehen \d\d:\d\d$/).waitFor();
    await page.getByText('Kamera weg', { exact: true }).first().waitFor();
    assert.deepEqual(await english(page), []);
    assert.deepEqual(await overflowing(page), []);
    await shot(page, `german-${device}-gone`);
  });

  test(`the publish page in German: ${device}`, LONG, async (t) => {
    const stage = new Stage(t);
    await stage.startGateway();
    const page = await (await stage.newContext({ ...GERMAN, ...size, permissions: ['camera', 'microphone'] })).newPage();
    await page.goto(`${stage.origin}/publish`);
    await page.getByText('Selbst die Kamera sein').waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'de');
    assert.equal(await page.title(), 'Senden · Sightline');
    assert.deepEqual(await english(page), []);
    assert.deepEqual(await overflowing(page), []);
    await shot(page, `german-${device}-publish`);
    await page.getByText('Links, die ablaufen').click();
    await page.getByRole('button', { name: 'Auf Sendung gehen' }).click();
    await page.getByText('Noch sieht niemand zu.').waitFor();
    await page.getByText(/^Dieser Link gilt bis \d\d\.\d\d\.\d{4}, \d\d:\d\d\.$/).waitFor();
    assert.deepEqual(await overflowing(page), []);
    await shot(page, `german-${device}-on-air`);
  });
}

test('the element in German, on a page of somebody else', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const camera = stage.startCamera('fremd', ['--size', '320x180']);
  const origin = await elsewhere(t, `<html lang="en"><script type="module" src="/player/whep-player.js"></script>
    <whep-player src="${stage.origin}/whep/fremd"></whep-player>`);
  const page = await (await stage.newContext(GERMAN)).newPage();
  await page.goto(origin);
  await becomes(page, 'live');
  await page.locator('whep-player').hover();
  await page.getByRole('button', { name: 'Bild speichern (s)' }).waitFor();
  await page.getByText('Direkt, nicht geprüft').waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'en', 'the page is not ours');
  await camera.end('SIGTERM');
  await page.getByText('Die Kamera ist weg').last().waitFor();
  assert.deepEqual(await english(page), []);
});

test('a browser in French reads English, and nobody loads German for it', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const page = await (await stage.newContext({ locale: 'fr-FR' })).newPage();
  const asked = /** @type {string[]} */ ([]);
  page.on('request', (request) => asked.push(request.url()));
  await page.goto(`${stage.origin}/watch/nobody`);
  await becomes(page, 'waiting');
  await page.getByText('Waiting for the camera').last().waitFor();
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'en');
  assert.deepEqual(asked.filter((url) => url.includes('/de/')), []);
});

test('Firefox in German', LONG, async (t) => {
  const stage = new Stage(t);
  await stage.startGateway();
  const page = await openInFirefox(t, `${stage.origin}/watch/niemand`, { 'intl.accept_languages': 'de-AT, en' });
  await becomes(page, 'waiting');
  const said = () => page.evaluate(() => [document.documentElement.lang, document.getElementById('state')?.textContent]);
  await eventually('it says so in German', said, ([lang, state]) => lang === 'de' && state === 'Warten');
});
