import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { HubConfig } from './config.ts';
import { HubError } from './errors.ts';

type RateConfig = Pick<HubConfig, 'isRateLimited' | 'initializeRate' | 'sessionRate'>;

const INITIALIZE_WINDOW_S = 60;
const SESSION_WINDOW_S = 1;

/**
 * How often clients may ask. A strict bucket for those that have no session, a generous one for live sessions,
 * and never one for both: sessions at work must not use up what others need to open theirs, nor the other way
 * round (F21). Windows are fixed: they begin with a key's first request.
 *
 * The limiter keeps one unref'd timer per key, of the length of its window, and nothing else.
 */
export class RateLimits {
  readonly #initialize: Bucket | undefined;
  readonly #unknownIds: Bucket | undefined;
  readonly #sessions: Bucket | undefined;

  constructor({ isRateLimited, initializeRate, sessionRate }: RateConfig) {
    if (!isRateLimited) return;
    this.#initialize = new Bucket(initializeRate, INITIALIZE_WINDOW_S);
    this.#unknownIds = new Bucket(initializeRate, INITIALIZE_WINDOW_S);
    this.#sessions = new Bucket(sessionRate, SESSION_WINDOW_S);
  }

  /**
   * A client without a session asks for one.
   * @throws HubError TOO_MANY_REQUESTS
   */
  async initialize(client: string): Promise<void> {
    refuseBeyond(await this.#initialize?.take(client));
  }

  /**
   * A request on a live session.
   * @throws HubError TOO_MANY_REQUESTS
   */
  async session(sessionId: string): Promise<void> {
    refuseBeyond(await this.#sessions?.take(sessionId));
  }

  /**
   * Whether a client names unknown sessions more often than it may. It has a bucket of its own: the one client
   * that never learns that its session is gone (F22) must not keep those behind the same address from
   * opening theirs.
   */
  async isProbing(client: string): Promise<boolean> {
    return (await this.#unknownIds?.take(client)) !== undefined;
  }

  close(): void {
    for (const bucket of [this.#initialize, this.#unknownIds, this.#sessions]) bucket?.close();
  }
}

function refuseBeyond(waitS: number | undefined): void {
  if (waitS === undefined) return;
  throw new HubError('TOO_MANY_REQUESTS', { headers: { 'retry-after': String(waitS) } });
}

class Bucket {
  readonly #limiter: RateLimiterMemory;
  readonly #windowS: number;

  constructor(points: number, windowS: number) {
    this.#limiter = new RateLimiterMemory({ points, duration: windowS, keyPrefix: '' });
    this.#windowS = windowS;
  }

  /** Takes one. Undefined when there was one left, otherwise after how many seconds there will be. */
  async take(key: string): Promise<number | undefined> {
    try {
      await this.#limiter.consume(key);
      return undefined;
    } catch (refusal) {
      // The limiter rejects with its result, and with an Error only when it is broken.
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      // It reckons by the wall clock, which may be set back; its timer ends the window in time all the same.
      return Math.min(Math.max(1, Math.ceil(refusal.msBeforeNext / 1_000)), this.#windowS);
    }
  }

  close(): void {
    for (const { key } of this.#limiter.dump().storage) void this.#limiter.delete(key);
  }
}
