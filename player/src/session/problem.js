// @ts-check
/** Errors as the gateway words them: `application/problem+json` (RFC 9457). */

import { retryAfter } from './backoff.js';

/** An answer that is not the one we hoped for. */
export class Refusal extends Error {
  /** HTTP status. */
  status;
  /** Last segment of the problem's `type`, such as `no-camera`; empty for foreign servers. */
  slug;
  /** What the server asked us to wait, in seconds; null when it did not say. */
  retryAfter;

  /**
   * @param {number} status
   * @param {{ slug?: string, detail?: string, retryAfter?: number | null }} [more]
   */
  constructor(status, { slug = '', detail = '', retryAfter: wait = null } = {}) {
    super(detail || `the server answered ${status}`);
    this.name = 'Refusal';
    this.status = status;
    this.slug = slug;
    this.retryAfter = wait;
  }
}

/**
 * Reads a refusal off a response, whatever its body is.
 *
 * @param {Response} response
 * @param {number} now milliseconds since the epoch, for a dated `Retry-After`
 * @returns {Promise<Refusal>}
 */
export async function refusal(response, now) {
  const wait = retryAfter(response.headers.get('retry-after'), now);
  const { slug, detail } = readProblem(await response.text().catch(() => ''));
  return new Refusal(response.status, { slug, detail, retryAfter: wait });
}

/**
 * @param {string} body
 * @returns {{ slug: string, detail: string }}
 */
export function readProblem(body) {
  const problem = parsed(body);
  const type = text(problem.type);
  return {
    slug: type.match(/\/problems\/([a-z0-9-]+)$/)?.[1] ?? '',
    detail: text(problem.detail) || text(problem.title) || text(problem.error),
  };
}

/**
 * @param {string} body
 * @returns {Record<string, unknown>}
 */
function parsed(body) {
  try {
    const value = JSON.parse(body);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

/** @param {unknown} value */
const text = (value) => (typeof value === 'string' ? value : '');
