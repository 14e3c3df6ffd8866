// @ts-check
/** Why no picture gets through, and what to do about it. Loaded where that is so. */

import { translate } from './language.js';

/** @typedef {import('../session/doctor.js').Cause} Cause */
/** @typedef {import('../session/ice-evidence.js').Evidence} Evidence */

/** @type {Record<Cause, { title: string, hint: string }>} */
export const DOCTOR = {
  hidden: {
    title: 'This browser does not tell its address',
    hint: 'An extension, a VPN or a policy keeps WebRTC from it. Switch that off for this page, or try another browser.',
  },
  empty: {
    title: 'The other side named no address',
    hint: 'Nothing can be sent to it. If it stays so, whoever has the camera can look whether it has a network.',
  },
  handshake: {
    title: 'A way is there, but no encrypted connection on it',
    hint: 'Small packets get through and larger ones do not, as in some VPNs and mobile networks. Try another network, or switch a VPN off.',
  },
  loopback: {
    title: 'The server sends to its own machine only',
    hint: 'It listens on 127.0.0.1. Start it with --listen and the machine’s own address, and open the page there.',
  },
  'no-udp': {
    title: 'No UDP leaves this network',
    hint: 'Guest and company networks often let only web pages through. Try another network, a mobile one say, or switch a VPN off. Whoever runs the server can add a TURN server on TCP port 443.',
  },
  'port-closed': {
    title: 'The server’s port for pictures is closed',
    hint: 'The server answers, but neither by UDP nor by TCP does anything come back from the port that pictures come from. Whoever runs the server can open that port in its firewall, or add a TURN server. If other servers do not work either, it is this network: try another one, or switch a VPN off.',
  },
  names: {
    title: 'The camera’s addresses mean nothing here',
    hint: 'It is a browser that hides them behind names (mDNS) which only its own network knows. Go into the same network as the camera, or have whoever runs the server add a STUN or TURN server.',
  },
  'turn-refused': {
    title: 'The TURN server refuses this browser',
    hint: 'Its user name or password is wrong, or has expired. Loading the page again gets new ones; if that does not help, whoever runs the server can check --turn-secret.',
  },
  'turn-silent': {
    title: 'The TURN server does not answer',
    hint: 'It is switched off, or this network lets nothing through to it. Try another network; whoever runs the server can see whether it runs, and offer it on TCP port 443 too.',
  },
  elsewhere: {
    title: 'The camera’s addresses are not reachable from here',
    hint: 'It has named only addresses of its own network, and this device is not in it. Go into the same network as the camera, or have whoever runs the server add a STUN or TURN server.',
  },
  symmetric: {
    title: 'Both networks hide their devices, and nobody passes on between them',
    hint: 'Each router gives every conversation another port (symmetric NAT), so neither side can find the other. Whoever runs the server can add a TURN server; from another network it may work without.',
  },
  unanswered: {
    title: 'The camera does not answer on any of its addresses',
    hint: 'A firewall here or there lets nothing through. Try another network, or have whoever runs the server add a TURN server.',
  },
};

/** What was tried, in figures. */
export const TRIED = {
  sum: (/** @type {Evidence} */ { ours, theirs, pairs }) =>
    `Addresses: ${ours.length} here, ${theirs.length} there. Pairs of them: ${pairs.tried} tried, ${pairs.answered} answered.`,
  /** Straight to the camera it did not work, and it does by way of the server. */
  despite: 'The picture comes by way of the server. Straight from the camera it does not:',
};

translate({ DOCTOR, TRIED }, { de: () => import('./de/doctor-words.js') });
