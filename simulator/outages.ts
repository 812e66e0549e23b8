import type { Outcome } from './mcp/outcome.ts';

/** 404: the session is gone. 429, 503: not now. */
const TOLD: readonly number[] = [404, 429, 503];

/**
 * Whether this is what a session meets whose process has ended. Any other answer, and silence, is none: the client
 * would never learn that it has to start over (F20, F54).
 */
export function tellsOfLoss(outcome: Outcome): boolean {
  return outcome.kind === 'connection' || (outcome.kind === 'http-error' && TOLD.includes(outcome.status));
}

/**
 * Stretches of time in which the target was down or stood still because it was told to, on the run's clock. What
 * is lost to them is nobody's fault. `noticeMs`: how long it may take until clients have noticed that it is back.
 */
export class Outages {
  readonly #noticeMs: number;
  /** As many as there are events in a scenario. */
  readonly #windows: { readonly from: number; to: number }[] = [];
  #lostUntil = Number.NEGATIVE_INFINITY;

  constructor(noticeMs: number) {
    this.#noticeMs = noticeMs;
  }

  /** `losesSessions`: the process ends, and with it what it held. */
  begin(at: number, { losesSessions }: { losesSessions: boolean }): void {
    this.#windows.push({ from: at, to: Number.POSITIVE_INFINITY });
    if (losesSessions) this.#lostUntil = Number.POSITIVE_INFINITY;
  }

  end(at: number): void {
    const last = this.#windows.at(-1);
    if (last) last.to = at + this.#noticeMs;
    if (this.#lostUntil === Number.POSITIVE_INFINITY) this.#lostUntil = at;
  }

  /** Whether something that went on from then to then met an outage. */
  touch(from: number, to: number): boolean {
    return this.#windows.some((window) => from <= window.to && to >= window.from);
  }

  /** Whether a session opened then has ended with the process that held it. */
  took(openedAt: number): boolean {
    return openedAt <= this.#lostUntil;
  }
}
