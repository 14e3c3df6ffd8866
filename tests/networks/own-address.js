// @ts-check
/** Where others reach this machine. */

import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';

/** @returns {string} an address that is not loopback */
export function ownAddress() {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const own = all.find(({ internal, family }) => !internal && family === 'IPv4');
  assert.ok(own, 'this machine has an address');
  return own.address;
}
