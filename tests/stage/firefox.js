// @ts-check
/** Firefox, by WebDriver BiDi: Playwright knows only one of its own making. */

import { rmSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import puppeteer from 'puppeteer-core';
import { PATIENCE } from './eventually.js';
import { collectPeers } from './stage.js';

/** @typedef {import('playwright-core').Page} Page */

/**
 * Opens a page in a Firefox of its own, which ends with the test.
 *
 * @param {import('node:test').TestContext} t
 * @param {string} url
 * @param {Record<string, unknown>} [prefs]
 * @returns {Promise<Page>} of Puppeteer: it knows `evaluate`, `mouse`, `keyboard` and `screenshot` as
 *   Playwright's does, and no more of it is for use
 */
export async function openInFirefox(t, url, prefs = {}) {
  const profile = mkdtempSync(path.join(tmpdir(), 'sightline-firefox-'));
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
    headless: true,
    // For each call, `evaluate` among them: what the browser never answers ends as a failed test.
    protocolTimeout: PATIENCE,
    userDataDir: profile,
    extraPrefsFirefox: {
      // The plug-in for H.264 would be fetched from the Internet.
      'media.gmp-manager.updateEnabled': false,
      ...prefs,
    },
    env: { ...process.env, HOME: profile },
  });
  t.after(async () => {
    // One that hangs does not close either.
    const closed = browser.close().then(() => true, () => false);
    if (!await Promise.race([closed, pause(PATIENCE, false, { ref: false })])) browser.process()?.kill('SIGKILL');
    rmSync(profile, { recursive: true, force: true });
  });
  const page = await browser.newPage();
  page.setDefaultTimeout(PATIENCE);
  await page.evaluateOnNewDocument(collectPeers);
  await page.goto(url);
  return /** @type {Page} */ (/** @type {unknown} */ (page));
}
