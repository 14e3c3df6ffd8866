// @ts-check
/** The page that is shown in place of any other while the server cannot be reached. It needs nothing but itself. */

import { OFFLINE } from '../words/app-words.js';

const LOOKS = `
:root { color-scheme: dark; }
* { box-sizing: border-box; }
body { display: grid; place-content: center; justify-items: center; min-height: 100dvh; margin: 0; padding: 24px;
  background: #0b0e14; color: #e9eef5; font: 16px/1.5 system-ui, sans-serif; text-align: center; }
svg { width: 84px; margin-bottom: 18px; fill: none; stroke: #97a3b5; stroke-width: 2.5; stroke-linecap: round; stroke-linejoin: round; }
svg .cross { stroke: #ff7b72; stroke-width: 3; }
h1 { margin: 0 0 6px; font-size: 26px; line-height: 1.2; letter-spacing: -0.02em; }
p { max-width: 34ch; margin: 0; color: #97a3b5; }
button { min-height: 46px; margin-top: 24px; padding: 0 22px; border: 0; border-radius: 11px; background: #ffb454; color: #1c1204;
  font: inherit; font-weight: 680; cursor: pointer; }
button:hover { background: #ffc477; }
button:focus-visible { outline: 2px solid #ffb454; outline-offset: 3px; }
@media (forced-colors: active) { button { border: 1px solid; } }
`;

/** How often the server is asked whether it is there again, in milliseconds. */
const AGAIN = 3000;

const ACTIONS = `
const said = document.getElementById('said');
const say = () => { said.textContent = navigator.onLine ? said.dataset.server : said.dataset.network; };
const back = async () => {
  const answer = await fetch(location.href, { method: 'HEAD', cache: 'no-store' }).catch(() => null);
  if (answer) location.reload();
};
addEventListener('offline', say);
addEventListener('online', () => { say(); back(); });
setInterval(() => document.visibilityState === 'visible' && back(), ${AGAIN});
document.querySelector('button').addEventListener('click', () => location.reload());
say();
`;

/** @returns {Promise<Response>} with a policy of its own, since all of it is in one file */
export async function shell() {
  const { language, title, network, server, hint, retry } = OFFLINE;
  const html = `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<title>${title} · Sightline</title>
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<meta name="theme-color" content="#0b0e14">
<style>${LOOKS}</style>
</head>
<body>
<main>
<svg viewBox="0 0 64 64" aria-hidden="true"><path d="M8 32c7-11 15-16 24-16s17 5 24 16c-7 11-15 16-24 16S15 43 8 32Z"/><circle cx="32" cy="32" r="7"/><path class="cross" d="m14 54 36-44"/></svg>
<h1>${title}</h1>
<p id="said" role="status" data-network="${network}" data-server="${server}"></p>
<p>${hint}</p>
<button type="button">${retry}</button>
</main>
<script type="module">${ACTIONS}</script>
</body>
</html>
`;
  const policy = `default-src 'none'; style-src ${await hash(LOOKS)}; script-src ${await hash(ACTIONS)}; connect-src 'self'; `
    + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
  const headers = { 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': policy };
  return new Response(html, { headers });
}

/**
 * @param {string} text of an inline style or script
 * @returns {Promise<string>} as a policy names it (CSP level 3, section 2.3.1)
 */
async function hash(text) {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return `'sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}'`;
}
