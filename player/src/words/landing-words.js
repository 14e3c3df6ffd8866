// @ts-check
/** What the landing page says, and whatever else takes a link. */

/** Of what somebody has put into a field for links. */
export const LINK = Object.freeze({
  noRoom: 'A room id has 1 to 64 letters, digits, “-” or “_”.',
  otherServer: (/** @type {string} */ host) => `This link is of another server, ${host}. `,
  openThere: 'Open it there',
});

export const SCANNER = Object.freeze({
  looking: 'Hold the code in front of the camera.',
  starting: 'One moment.',
  noLink: 'That code is not the link of a camera.',
  denied: 'The page may not use the camera. Allow it in the browser’s settings for this page, or paste the link.',
  noCamera: 'There is no camera here that could scan.',
  insecure: 'Browsers give a page the camera only over https, or on this very machine. Paste the link instead.',
  noReader: 'The code reader cannot be loaded. Paste the link instead.',
});
