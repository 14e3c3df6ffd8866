// @ts-check
/** coturn, as the TURN server of a test: it accepts the credentials that the gateway makes. */

/** @typedef {import('../stage/process.js').Process} Process */
/** @typedef {import('../stage/stage.js').Stage} Stage */

const SECRET = 'north-by-northwest';
const PORT = 3478;

/**
 * What the gateway has to be told.
 *
 * @param {string} address
 */
export const turnOptions = (address) => ['--ice-server', `turn:${address}:${PORT}`, '--turn-secret', SECRET];

/**
 * Starts it beside the gateway.
 *
 * @param {Stage} stage
 * @param {string} address
 * @returns {Promise<Process>}
 */
export async function startTurn(stage, address) {
  const turn = stage.startBesideGateway('turnserver', [
    '-n', '--no-cli', '--no-tls', '--no-dtls', '--verbose', '--log-file=stdout', '--simple-log',
    '--pidfile=', `--listening-ip=${address}`, `--relay-ip=${address}`, `--listening-port=${PORT}`,
    '--realm=sightline.example', '--use-auth-secret', `--static-auth-secret=${SECRET}`,
  ]);
  await turn.says(/UDP listener opened on: .*:3478/);
  return turn;
}
