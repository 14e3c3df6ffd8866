// @ts-check
/** What only rooms that are keys, private links and tickets need; fetched by itself, once it is needed. */

export { judgeCamera, proveViewer, signedName } from './proof.js';
export { ticketFault } from './ticket.js';
