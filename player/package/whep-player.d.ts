/** `<whep-player>`: a live picture by WHEP, on any page. Generated from the sources, but for what is here. */

import type { PlayerEvents } from './types/element/player-events.js';
import { WhepPlayer } from './types/element/whep-player.js';

export { WhepPlayer };
export type { PlayerEvents };
/** What somebody sees: `player.state`. */
export type PlayerState = WhepPlayer['state'];
/** What holds for the picture: `player.trust`. */
export type Trust = NonNullable<WhepPlayer['trust']>;
/** Gives the token for the next session: `player.tokenProvider`. */
export type TokenProvider = NonNullable<WhepPlayer['tokenProvider']>;

type Listener<Name extends keyof PlayerEvents> = (this: WhepPlayer, event: CustomEvent<PlayerEvents[Name]>) => unknown;
type OtherListener<Name extends keyof HTMLElementEventMap> = (this: WhepPlayer, event: HTMLElementEventMap[Name]) => unknown;

declare module './types/element/whep-player.js' {
  interface WhepPlayer {
    addEventListener<Name extends keyof PlayerEvents>(
      type: Name, listener: Listener<Name>, options?: boolean | AddEventListenerOptions): void;
    addEventListener<Name extends keyof HTMLElementEventMap>(
      type: Name, listener: OtherListener<Name>, options?: boolean | AddEventListenerOptions): void;
    addEventListener(
      type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
    removeEventListener<Name extends keyof PlayerEvents>(
      type: Name, listener: Listener<Name>, options?: boolean | EventListenerOptions): void;
    removeEventListener<Name extends keyof HTMLElementEventMap>(
      type: Name, listener: OtherListener<Name>, options?: boolean | EventListenerOptions): void;
    removeEventListener(
      type: string, listener: EventListenerOrEventListenerObject, options?: boolean | EventListenerOptions): void;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'whep-player': WhepPlayer;
  }
}
