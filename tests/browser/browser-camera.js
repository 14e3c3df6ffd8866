// @ts-check
/** A browser as the camera, in a room that is its key. */

/** @typedef {import('playwright-core').Page} Page */

/**
 * @param {import('../stage/stage.js').Stage} stage
 * @param {'Whoever has the link' | 'Links that expire' | 'Private'} [who] may watch
 * @returns {Promise<{ page: Page, link: URL }>}
 */
export async function browserCamera(stage, who = 'Whoever has the link') {
  const page = await stage.open('/publish');
  await page.getByLabel('A key of this browser').check();
  await page.getByLabel(who).check();
  await page.getByRole('button', { name: 'Go on air' }).click();
  await page.getByRole('heading', { name: 'On air' }).waitFor();
  return { page, link: await linkOf(page) };
}

/** @param {Page} page */
export const linkOf = async (page) => new URL(await page.getByLabel('Link for viewers').inputValue());

/**
 * A private link of this camera, good until `expiry`.
 *
 * @param {Page} page
 * @param {number} expiry in seconds since 1970
 * @returns {Promise<string>} what stands behind the `#`
 */
export const secretOf = (page, expiry) => page.evaluate(async (until) => {
  const { PrivateLinks } = await import(String('/player/trust/private-links.js'));
  const { mac } = await (await PrivateLinks.ofThisBrowser()).secret(until);
  return `${until}.${mac}`;
}, expiry);

/**
 * A ticket of this camera.
 *
 * @param {Page} page
 * @param {number} now milliseconds since the epoch
 * @param {number} lifetime in seconds
 * @returns {Promise<string>}
 */
export const ticketOf = (page, now, lifetime) => page.evaluate(async ([from, seconds]) => {
  const { RoomKey } = await import(String('/player/trust/room-key.js'));
  return (await RoomKey.ofThisBrowser()).ticket(location.host, from, seconds);
}, [now, lifetime]);
