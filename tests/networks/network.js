// @ts-check
/**
 * Networks for tests: namespaces joined by virtual cables, so that who reaches whom is ours to
 * say. They are gone when the test is over, and at the latest when the next run begins.
 */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { eventually } from '../stage/eventually.js';

/** @typedef {import('node:test').TestContext} TestContext */

/** Names of our namespaces: with the id of the process that made them. */
const PREFIX = 'sightline-e2e';
const OURS = new RegExp(`^${PREFIX}-(\\d+)-\\d+-\\w+`);

/** Of each of them, in place of what the machine is set to. */
const SETTINGS = fileURLToPath(new URL('./sysctl.conf', import.meta.url));

/** @type {Set<Host>} whatever is still there when this process ends, however it ends */
const standing = new Set();
process.on('exit', () => standing.forEach((host) => host.remove()));
let made = 0;

/**
 * Why there can be no network here; null when there can.
 *
 * @returns {string | null}
 */
export function whyNoNetwork() {
  if (process.getuid?.() !== 0) return 'only root can make network namespaces';
  try {
    ip('netns', 'list');
    execFileSync('nft', ['--version']);
    return null;
  } catch (error) {
    return `ip or nft is missing: ${/** @type {Error} */ (error).message.split('\n')[0]}`;
  }
}

/** A machine of its own, as far as the network can tell. */
export class Host {
  #namespace;
  #cables = 0;

  /** @param {string} name letters only */
  constructor(name) {
    this.#namespace = `${PREFIX}-${process.pid}-${made += 1}-${name}`;
    ip('netns', 'add', this.#namespace);
    standing.add(this);
    this.#run('sysctl', '-qp', SETTINGS);
    this.#ip('link', 'set', 'lo', 'up');
  }

  /**
   * How to start a program here: a file and its arguments.
   *
   * @param {string} file
   * @param {readonly string[]} [args]
   * @returns {[string, string[]]}
   */
  command(file, args = []) {
    return ['ip', ['netns', 'exec', this.#namespace, file, ...args]];
  }

  /**
   * Gives it one more address, which all its neighbours can reach.
   *
   * @param {string} address
   */
  own(address) {
    this.#ip('address', 'add', `${address}/32`, 'dev', 'lo');
  }

  /**
   * Joins two hosts by a cable.
   *
   * @param {string} own address
   * @param {Host} other
   * @param {string} others address, in the same /24
   * @returns {string} the interface at this end
   */
  join(own, other, others) {
    const [here, there] = [`eth${this.#cables++}`, `eth${other.#cables++}`];
    const end = ['type', 'veth', 'peer', 'name', there, 'netns', other.#namespace];
    this.#ip('link', 'add', here, ...end);
    this.#plug(here, own);
    other.#plug(there, others);
    return here;
  }

  /**
   * Where everything goes that has no better way.
   *
   * @param {string} router
   * @param {number} [metric] of several routers the one with the least
   */
  routeBy(router, metric = 0) {
    this.#ip('route', 'add', 'default', 'via', router, 'metric', `${metric}`);
  }

  /** Passes packets on from one cable to the other. */
  forward() {
    this.#run('sysctl', '-qw', 'net.ipv4.ip_forward=1');
  }

  /**
   * Hides what is behind it, as routers at home do, in the way that is hardest to get through: a
   * port of its own for each destination (a symmetric NAT, RFC 3489 section 5).
   *
   * @param {string} outside the interface
   */
  hide(outside) {
    this.forward();
    this.#run('nft', `table ip nat {
      chain outwards {
        type nat hook postrouting priority srcnat;
        oifname "${outside}" masquerade fully-random
      }
    }`);
  }

  /** Whatever it hides has another port with its next packet, and is not told. */
  forget() {
    this.#run('conntrack', '--delete', '--proto', 'udp');
  }

  /**
   * Makes a cable carry no more than this, with a queue of a fifth of a second, and drop the rest.
   *
   * @param {string} cable what leaves by it
   * @param {string} rate as `tc` has it: 500kbit
   */
  limit(cable, rate) {
    const bucket = ['burst', '5kb', 'latency', '200ms'];
    this.#run('tc', 'qdisc', 'replace', 'dev', cable, 'root', 'tbf', 'rate', rate, ...bucket);
  }

  /**
   * Loses every packet that comes or goes by a cable, which stays as it is: nobody is told, as when
   * a phone is in a tunnel.
   *
   * @param {string} cable
   * @returns {() => void} ends it
   */
  lose(cable) {
    const name = `lost-${cable}`;
    this.#run('nft', `table inet ${name} {
      chain come { type filter hook prerouting priority raw; iifname "${cable}" drop; }
      chain go { type filter hook postrouting priority raw; oifname "${cable}" drop; }
    }`);
    return () => this.#run('nft', 'delete', 'table', 'inet', name);
  }

  /**
   * Loses one datagram in so many of those that come or go by a cable, whichever.
   *
   * @param {string} cable
   * @param {number} oneIn
   * @returns {() => void} ends it
   */
  loseOneIn(cable, oneIn) {
    const name = `lossy-${cable}`;
    const some = `meta l4proto udp numgen random mod ${oneIn} 0 drop`;
    this.#run('nft', `table inet ${name} {
      chain come { type filter hook prerouting priority raw; iifname "${cable}" ${some}; }
      chain go { type filter hook postrouting priority raw; oifname "${cable}" ${some}; }
    }`);
    return () => this.#run('nft', 'delete', 'table', 'inet', name);
  }

  /**
   * Lets through by a cable what is for one TCP port and comes from there, and nothing else.
   *
   * @param {string} cable
   * @param {string} port
   * @returns {() => void} ends it
   */
  admitOnly(cable, port) {
    this.#run('nft', `table inet firewall {
      chain come { type filter hook input priority filter; iifname "${cable}" tcp dport != ${port} drop; iifname "${cable}" udp dport 0-65535 drop; }
      chain go { type filter hook output priority filter; oifname "${cable}" tcp sport != ${port} drop; oifname "${cable}" udp sport 0-65535 drop; }
    }`);
    return () => this.#run('nft', 'delete', 'table', 'inet', 'firewall');
  }

  /**
   * Pulls a cable out at this end: the other end is told.
   *
   * @param {string} cable
   * @returns {() => void} plugs it in again
   */
  pull(cable) {
    this.#ip('link', 'set', cable, 'down');
    return () => this.#ip('link', 'set', cable, 'up');
  }

  /** @param {string} cable that is taken away, with its address */
  unplug(cable) {
    this.#ip('link', 'delete', cable);
  }

  /** Its cables that do not carry yet: libnice ignores such. */
  get dead() {
    /** @type {{ ifname: string, operstate: string }[]} */
    const links = JSON.parse(this.#ip('-json', 'link', 'show', 'type', 'veth'));
    return links.filter(({ operstate }) => operstate !== 'UP').map((link) => `${this.#namespace} ${link.ifname}`);
  }

  /** Takes it down. What runs here is ended by whoever started it. */
  remove() {
    if (standing.delete(this)) ip('netns', 'delete', this.#namespace);
  }

  /**
   * @param {string} cable
   * @param {string} address
   */
  #plug(cable, address) {
    this.#ip('address', 'add', `${address}/24`, 'dev', cable);
    this.#ip('link', 'set', cable, 'up');
  }

  /** @param {string[]} args */
  #ip(...args) {
    return ip('-n', this.#namespace, ...args);
  }

  /**
   * @param {string} file
   * @param {string[]} args
   */
  #run(file, ...args) {
    execFileSync(...this.command(file, args), { stdio: ['ignore', 'ignore', 'pipe'] });
  }
}

/**
 * A gateway, a camera and a viewer, each a host of its own; and whose router hides it.
 *
 * @typedef {{ camera: Host, viewer: Host }} Routers
 * @typedef {{ gateway: Host, camera: Host, viewer: Host, address: string, routers?: Routers }} Network
 */

/** The gateway's address in each of these networks. */
const ADDRESS = '192.0.2.1';

/**
 * Camera and viewer each have a cable to the gateway. They reach each other only if it forwards.
 *
 * @param {TestContext} t which takes it down when it is over
 * @param {{ forwards: boolean }} options
 * @returns {Promise<Network>}
 */
export async function star(t, { forwards }) {
  const [gateway, camera, viewer] = hosts(t, 'gateway', 'camera', 'viewer');
  gateway.own(ADDRESS);
  for (const [host, subnet] of /** @type {const} */ ([[camera, '10.1.0'], [viewer, '10.2.0']])) {
    gateway.join(`${subnet}.1`, host, `${subnet}.2`);
    host.routeBy(`${subnet}.1`);
  }
  if (forwards) gateway.forward();
  await areUp(gateway, camera, viewer);
  return { gateway, camera, viewer, address: ADDRESS };
}

/**
 * Cuts the camera or the viewer off from everybody, without a word.
 *
 * @param {Network} network
 * @param {'camera' | 'viewer'} who
 * @returns {() => void} ends it
 */
export function cutOff({ gateway }, who) {
  return gateway.lose(who === 'camera' ? 'eth0' : 'eth1');
}

/**
 * The viewer's link loses one datagram in so many, each way.
 *
 * @param {Network} network
 * @param {number} oneIn
 * @returns {() => void} ends it
 */
export function makeLossy({ gateway }, oneIn) {
  return gateway.loseOneIn('eth1', oneIn);
}

/**
 * The router of one of them gives what it hides other ports, without a word.
 *
 * @param {Network} network of two homes
 * @param {'camera' | 'viewer'} who
 */
export function forget({ routers }, who) {
  routers?.[who].forget();
}

/**
 * Pulls out the camera's cable at the gateway's end.
 *
 * @param {Network} network
 * @returns {() => void} plugs it in again
 */
export const pullOut = ({ gateway }) => gateway.pull('eth0');

/**
 * Puts a firewall before the gateway: between the viewer and it, only HTTP gets through.
 *
 * @param {Network} network
 * @param {string} origin of the gateway
 * @returns {() => void} takes it away
 */
export function firewall({ gateway }, origin) {
  return gateway.admitOnly('eth1', new URL(origin).port);
}

/**
 * What the viewer's cable carries of what the gateway sends.
 *
 * @param {Network} network
 * @param {string} rate as `tc` has it
 */
export function limitViewer({ gateway }, rate) {
  gateway.limit('eth1', rate);
}

/**
 * Gives the viewer a second cable to the gateway, for when the first is taken away: as a phone
 * has that leaves the house.
 *
 * @param {Network} network
 * @returns {Promise<() => void>} takes the first away
 */
export async function secondCable({ gateway, viewer }) {
  gateway.join('10.3.0.1', viewer, '10.3.0.2');
  viewer.routeBy('10.3.0.1', 1000);
  await areUp(gateway, viewer);
  return () => viewer.unplug('eth0');
}

/**
 * Camera and viewer are at home, each behind a symmetric NAT; the gateway's host is the rest of
 * the world between them.
 *
 * @param {TestContext} t
 * @returns {Promise<Network>}
 */
export async function twoHomes(t) {
  const [gateway, camera, viewer] = hosts(t, 'gateway', 'camera', 'viewer');
  const [cameras, viewers, world] = hosts(t, 'camerasrouter', 'viewersrouter', 'world');
  gateway.own(ADDRESS);
  gateway.forward();
  // What is for nobody here is swallowed, not refused: coturn takes a refusal to heart.
  gateway.join('100.64.0.1', world, '100.64.0.2');
  gateway.routeBy('100.64.0.2');
  for (const [host, router, home, street] of /** @type {const} */ ([
    [camera, cameras, '10.1.0', '198.51.100'], [viewer, viewers, '10.2.0', '203.0.113'],
  ])) {
    router.join(`${home}.1`, host, `${home}.2`);
    host.routeBy(`${home}.1`);
    const outside = router.join(`${street}.2`, gateway, `${street}.1`);
    router.routeBy(`${street}.1`);
    router.hide(outside);
  }
  await areUp(gateway, camera, viewer, cameras, viewers, world);
  return { gateway, camera, viewer, address: ADDRESS, routers: { camera: cameras, viewer: viewers } };
}

/**
 * @param {TestContext} t
 * @param {string[]} names
 */
function hosts(t, ...names) {
  removeLeftovers();
  return names.map((name) => {
    const host = new Host(name);
    t.after(() => host.remove());
    return host;
  });
}

/** @param {Host[]} hosts whose cables the kernel takes a moment to notice */
async function areUp(...hosts) {
  await eventually('every cable carries', () => hosts.flatMap(({ dead }) => dead), (dead) => dead.length === 0);
}

/** Takes down what a run has left that was killed, with what still runs there. */
function removeLeftovers() {
  for (const line of ip('netns', 'list').split('\n')) {
    const [namespace, maker] = line.match(OURS) ?? [];
    if (!namespace || isRunning(Number(maker))) continue;
    try {
      const pids = ip('netns', 'pids', namespace).split('\n').filter(Boolean);
      pids.forEach((pid) => process.kill(Number(pid), 'SIGKILL'));
      ip('netns', 'delete', namespace);
    } catch {
      // Another run was faster.
    }
  }
}

/** @param {number} pid of what should be a test or a benchmark of ours, and not another that got its number */
function isRunning(pid) {
  const cmdline = `/proc/${pid}/cmdline`;
  return existsSync(cmdline) && /e2e|bench/.test(readFileSync(cmdline, 'utf8'));
}

/** @param {string[]} args */
function ip(...args) {
  return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
