import type { HubConfig } from './config.ts';
import { HubError } from './errors.ts';
import type { Session } from './session.ts';
import { Place, UseOrder } from './use-order.ts';

type CapConfig = Pick<HubConfig, 'maxSessions' | 'maxSessionsPerClient' | 'capRule'>;

/** What one client holds. */
interface Share {
  /** Slots: its sessions, and those being opened. */
  held: number;
  readonly order: UseOrder<Session>;
}

interface Seat {
  readonly inAll: Place<Session>;
  readonly inShare: Place<Session>;
}

/**
 * Who holds how many slots, and whose session goes when there is none left. Everything is O(1), or paid for by
 * an earlier use of a session, so that a flood of initialize costs no more at the cap than below it (F45).
 *
 * Sessions stand in the order of their last use. One in use that is found at its head is taken out: the end of
 * that use puts it back.
 */
export class SessionCaps {
  readonly #config: CapConfig;
  readonly #shares = new Map<string, Share>();
  readonly #order = new UseOrder<Session>();
  /** Only where sessions may be evicted: otherwise their order is nobody's concern. */
  readonly #seats = new Map<Session, Seat>();
  #held = 0;

  constructor(config: CapConfig) {
    this.#config = config;
  }

  /**
   * Takes a slot. `evict` ends a session, whose slot it has to give back at once.
   * @throws HubError TOO_MANY_SESSIONS, TOO_MANY_OF_CLIENT
   */
  take(client: string, evict: (session: Session) => void): void {
    const { maxSessions, maxSessionsPerClient } = this.#config;
    const share = this.#shares.get(client);
    if (share && maxSessionsPerClient > 0 && share.held >= maxSessionsPerClient) {
      // Its own sessions pay for a client's greed, never those of others.
      this.#makeRoom(share.order, 'TOO_MANY_OF_CLIENT', evict);
    }
    if (this.#held >= maxSessions) this.#makeRoom(this.#order, 'TOO_MANY_SESSIONS', evict);
    this.#add(client);
  }

  giveBack(client: string): void {
    const share = this.#shares.get(client);
    if (!share) return;
    this.#held -= 1;
    share.held -= 1;
    if (share.held === 0) this.#shares.delete(client);
  }

  /** A session takes the place of the slot that was taken for it. */
  enter(session: Session): void {
    this.#add(session.client);
    if (this.#config.capRule !== 'evict-idle') return;
    this.#seats.set(session, { inAll: new Place(session), inShare: new Place(session) });
    this.touch(session);
  }

  /** The session was used just now. */
  touch(session: Session): void {
    const seat = this.#seats.get(session);
    if (!seat) return;
    this.#order.touch(seat.inAll);
    this.#shares.get(session.client)?.order.touch(seat.inShare);
  }

  /** The session ended: its slot is free. */
  leave(session: Session): void {
    const seat = this.#seats.get(session);
    if (seat) {
      this.#order.remove(seat.inAll);
      this.#shares.get(session.client)?.order.remove(seat.inShare);
      this.#seats.delete(session);
    }
    this.giveBack(session.client);
  }

  #add(client: string): void {
    this.#held += 1;
    const share = this.#shares.get(client);
    if (share) share.held += 1;
    else this.#shares.set(client, { held: 1, order: new UseOrder() });
  }

  #makeRoom(
    order: UseOrder<Session>,
    refusal: 'TOO_MANY_SESSIONS' | 'TOO_MANY_OF_CLIENT',
    evict: (session: Session) => void,
  ): void {
    for (let place = order.oldest; place; place = order.oldest) {
      if (!place.member.isInUse) {
        evict(place.member);
        return;
      }
      order.remove(place);
    }
    throw new HubError(refusal);
  }
}
