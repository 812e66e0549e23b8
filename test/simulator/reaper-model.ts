import type { CanaryKeeper } from '../../simulator/canaries.ts';
import type { Clock } from '../../simulator/clock/clock.ts';

/** How a server ends idle sessions, and how long its network takes. Times in ms. */
export interface Reaper {
  /** `sweep`: looks every `sweepMs`. `timer`: one timer a session. `lazy`: looks when it is asked. `never`: a leak. */
  readonly kind: 'sweep' | 'timer' | 'lazy' | 'never';
  readonly timeoutMs: number;
  readonly sweepMs?: number;
  /** When its first sweep is. */
  readonly phaseMs?: number;
  /** How long a request takes to arrive, and its answer to come back. */
  readonly thereMs?: number;
  readonly backMs?: number;
  /** Sessions are refused. */
  readonly isShut?: boolean;
}

interface ModelSession {
  lastUseAt: number;
  touches: number;
}

/** A server of sessions without a network: whether a session has ended is computed, so that the truth is known. */
export class ReaperModel implements CanaryKeeper<ModelSession> {
  readonly sessions: ModelSession[] = [];
  readonly #clock: Clock;
  readonly #reaper: Reaper;

  constructor(clock: Clock, reaper: Reaper) {
    this.#clock = clock;
    this.#reaper = reaper;
  }

  /** The idle ages at which sessions that were used at these moments ended, or would have. */
  endAge(lastUseAt: number): number {
    const { kind, timeoutMs, sweepMs = 0, phaseMs = 0 } = this.#reaper;
    if (kind === 'never') return Number.POSITIVE_INFINITY;
    if (kind !== 'sweep') return timeoutMs;
    const due = lastUseAt + timeoutMs;
    return phaseMs + Math.ceil((due - phaseMs) / sweepMs) * sweepMs - lastUseAt;
  }

  readonly open = async () => {
    const sentAt = this.#clock.now();
    await this.#travel(this.#reaper.thereMs);
    if (this.#reaper.isShut) return undefined;
    const session = { lastUseAt: this.#clock.now(), touches: 0 };
    this.sessions.push(session);
    await this.#travel(this.#reaper.backMs);
    return { session, lastUse: { sentAt, doneAt: this.#clock.now() } };
  };

  readonly probe = async (session: ModelSession) => {
    const sentAt = this.#clock.now();
    await this.#travel(this.#reaper.thereMs);
    session.touches += 1;
    const isAlive = this.#clock.now() - session.lastUseAt < this.endAge(session.lastUseAt);
    await this.#travel(this.#reaper.backMs);
    return { sentAt, doneAt: this.#clock.now(), isAlive };
  };

  async #travel(ms = 0): Promise<void> {
    if (ms > 0) await this.#clock.sleep(ms);
  }
}
