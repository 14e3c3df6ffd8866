// @ts-check
/**
 * What no log may tell: every secret that a browser sends or gets, and everything that looks
 * like one. Processes of a test log at trace, and their logs are searched when it is over.
 */

/** @typedef {import('playwright-core').BrowserContext} BrowserContext */

/** Tokens, lines of SDP with a password, and the URLs of sessions. */
const LOOKS_SECRET = [/eyJ[\w-]{8,}/, /a=ice-pwd:\S+/, /\/wh[ie]p\/[\w-]+\/[0-9a-f]{32}/];

/** Shorter ones would be found by chance. */
const LEAST = 8;

export class Secrets {
  /** @type {Set<string>} */
  #known = new Set();
  /** @type {Promise<unknown>[]} bodies that are being read */
  #reading = [];

  /**
   * Notes what comes and goes in a browser.
   *
   * @param {BrowserContext} context
   */
  watch(context) {
    context.on('request', (request) => {
      this.#note(request.headers().authorization?.replace(/^Bearer /i, ''));
      this.#noteSdp(request.postData() ?? '');
    });
    context.on('response', (response) => {
      const { location = '', link = '' } = response.headers();
      // A session's; where something has moved to is none.
      if ([201, 406].includes(response.status())) this.#note(location.split('/').pop());
      for (const [, credential] of link.matchAll(/credential="([^"]+)"/g)) this.#note(credential);
      if (![200, 201, 406].includes(response.status()) || !/\/wh[ie]p\//.test(response.url())) return;
      // An event stream has no end, and a page that closes takes its bodies along.
      if (response.headers()['content-type']?.startsWith('text/event-stream')) return;
      this.#reading.push(response.text().then((text) => this.#noteSdp(text)).catch(() => {}));
    });
    context.on('page', (page) => {
      page.on('framenavigated', () => {
        // Of a token the signature, of a private link the mac: neither is told without it.
        for (const part of new URL(page.url()).hash.split(/[#&=]/)) this.#note(part.split('.').pop());
      });
    });
  }

  /**
   * The lines of a log that tell a secret.
   *
   * @param {string} log
   */
  async toldBy(log) {
    await Promise.all(this.#reading);
    const known = [...this.#known];
    return log.split('\n').filter((line) =>
      LOOKS_SECRET.some((pattern) => pattern.test(line)) || known.some((secret) => line.includes(secret)));
  }

  /** How many secrets the browser had. */
  get count() {
    return this.#known.size;
  }

  /** @param {string} sdp */
  #noteSdp(sdp) {
    for (const [, password] of sdp.matchAll(/^a=ice-pwd:(\S+)/gm)) this.#note(password);
  }

  /** @param {string | undefined} secret */
  #note(secret) {
    if (secret && secret.length >= LEAST) this.#known.add(secret);
  }
}
