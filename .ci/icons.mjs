#!/usr/bin/env node
// Draws the icons that the web app manifest names from the logo, with Chromium; to be run when the logo has changed.

import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { chromium } = createRequire(new URL('../tests/package.json', import.meta.url))('playwright-core');
const PLAYER = new URL('../player/src/', import.meta.url);

const logo = readFileSync(new URL('page/logo.svg', PLAYER), 'utf8');
// Systems cut a maskable icon as they like, and leave a circle of 80 % of it (W3C Web App Manifest,
// "maskable" purpose): no round corners, and the mark a little smaller.
const maskable = logo
  .replace(/<rect [^>]*fill="([^"]+)"\/>/, '<rect width="64" height="64" fill="$1"/><g transform="translate(32 32) scale(0.85) translate(-32 -32)">')
  .replace('</svg>', '</g></svg>');

const ICONS = [
  ['icon-192', logo, 192],
  ['icon-512', logo, 512],
  ['icon-maskable-512', maskable, 512],
];

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu'],
});
for (const [name, svg, size] of ICONS) {
  const page = await browser.newPage({ viewport: { width: size, height: size } });
  await page.setContent(`<style>body { margin: 0 } svg { display: block; width: ${size}px }</style>${svg}`);
  writeFileSync(new URL(`app/${name}.png`, PLAYER), await page.screenshot({ omitBackground: true }));
  await page.close();
}
await browser.close();
