// @ts-check
/** A link as a QR code, drawn here: a private link is nobody else's business. */

/**
 * The encoder comes from npm, and into the page with its bundle: a page that is served module by module has
 * no codes.
 */
const encoderFromNpm = () => import('uqr').catch(() => null);

/**
 * Shows `text` in an `<svg>`, or hides it where that cannot be.
 *
 * @param {SVGSVGElement} svg
 * @param {string} text
 */
export async function drawQr(svg, text) {
  const encoder = await encoderFromNpm();
  svg.toggleAttribute('hidden', encoder === null);
  if (!encoder) return;
  const { data, size } = encoder.encode(text, { ecc: 'L', border: 4 });
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  const dark = data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])));
  path.setAttribute('d', dark.join(''));
  svg.setAttribute('viewBox', `0 0 ${size} ${size}`);
  svg.replaceChildren(path);
}
