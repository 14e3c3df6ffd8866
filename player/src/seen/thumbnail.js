// @ts-check
/** A kept picture on the page: drawn, since the pages' policy admits no pictures but the server's. */

/**
 * @param {Blob} picture
 * @returns {HTMLCanvasElement} empty until the picture is decoded, and where it cannot be
 */
export function thumbnail(picture) {
  const canvas = document.createElement('canvas');
  canvas.className = 'thumbnail';
  Object.assign(canvas, { width: 16, height: 9 });
  void createImageBitmap(picture).then((bitmap) => {
    Object.assign(canvas, { width: bitmap.width, height: bitmap.height });
    canvas.getContext('2d')?.drawImage(bitmap, 0, 0);
    bitmap.close();
  }, () => {});
  return canvas;
}
