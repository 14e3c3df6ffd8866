// @ts-check
/** Handing a link on: the phone's share sheet where there is one, the clipboard elsewhere. */

/**
 * Makes a button pass on a link.
 *
 * @param {HTMLElement} button
 * @param {() => string} link
 */
export function wireShare(button, link) {
  const label = button.textContent;
  const coarse = matchMedia('(pointer: coarse)').matches;
  const sheet = coarse && typeof navigator.share === 'function';
  if (sheet) button.textContent = 'Share link';
  button.addEventListener('click', async () => {
    const url = link();
    if (sheet) return navigator.share({ title: document.title, url }).catch(() => {});
    const copied = await copy(url);
    button.textContent = copied ? 'Copied' : 'Copy it from the address bar';
    setTimeout(() => (button.textContent = label), 2000);
  });
}

/** @param {string} text */
async function copy(text) {
  try {
    // Absent on plain http from another machine, and refusable everywhere.
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
