// @ts-check
/** How large the pictures of the wall are. */

/** Most cameras send such pictures. */
const ASPECT = 16 / 9;

/** Between two pictures, in pixels. */
export const GAP = 3;

/**
 * The largest pictures with which so many fit into a box, side by side and below each other.
 *
 * @param {number} count of pictures, at least one
 * @param {number} width of the box, in pixels
 * @param {number} height
 * @returns {{ width: number, height: number }} of one picture
 */
export function pictureSize(count, width, height) {
  let largest = 0;
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const [wide, high] = [(width + GAP) / columns - GAP, (height + GAP) / rows - GAP];
    largest = Math.max(largest, Math.floor(Math.min(wide, high * ASPECT)));
  }
  return { width: largest, height: Math.floor(largest / ASPECT) };
}
