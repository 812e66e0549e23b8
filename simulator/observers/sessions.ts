import * as z from 'zod';
import type { Clock } from '../clock/clock.ts';
import { type Policy, PolicySchema } from '../judge/policy.ts';
import type { SessionSample } from '../judge/session-event.ts';
import type { Headers } from '../mcp/headers.ts';
import { JsonReader } from '../mcp/json-reader.ts';
import type { Target } from '../targets/target.ts';
import { CountError, type CountSource } from './count.ts';

const count = z.number().int().nonnegative();

const CountersSchema = z.object({ opened: count, refused: count, ended: z.record(z.string(), count) });

/** `GET /health` of the reference hub, as far as it is used here. */
const HealthSchema = z.object({
  sessions: count,
  counters: CountersSchema.optional(),
  policy: PolicySchema.optional(),
});

/** `GET /sessions` of the reference hub. `sessionId` is a fingerprint. */
const SessionsSchema = z.object({
  total: count,
  sessions: z.array(z.object({ sessionId: z.string().regex(/^[0-9a-f]{12}$/) })),
  counters: CountersSchema.optional(),
  next: count.optional(),
});

const PAGE_SIZE = 1_000;
/** Pages of one look: a hundred thousand sessions. More than that is counted, not listed. */
const MAX_PAGES = 100;
const TIMEOUT_MS = 5_000;

/** How much of its sessions a target shows: all of them by fingerprint, their number, or nothing. */
export type Visibility = 'listed' | 'counted' | 'none';

/** Looks at a target's sessions through `/health` and `/sessions`, where it has them. */
export class SessionObserver {
  readonly #reader: JsonReader;
  readonly #source: CountSource | undefined;
  #visibility: Visibility = 'none';
  #policy: Policy | undefined;

  /**
   * `source`: where the number of sessions is read, instead of the target's own pages. `headers`: sent with every
   * request, a token say.
   */
  constructor(
    target: Target,
    clock: Clock,
    { source, headers = {} }: { source?: CountSource | undefined; headers?: Headers | undefined } = {},
  ) {
    const { dial, endpoint } = target;
    this.#source = source;
    this.#reader = new JsonReader({ dial, clock, host: endpoint.host, timeoutMs: TIMEOUT_MS, headers });
  }

  /**
   * Finds out what the target shows. To be called once, before the load.
   * @throws CountError when there is a source and it tells nothing
   */
  async discover(): Promise<SessionSample | undefined> {
    const health = await this.#health();
    if (this.#source) {
      this.#policy = health?.body.policy;
      this.#visibility = 'counted';
      return this.#source.read();
    }
    if (!health) return undefined;
    this.#policy = health.body.policy;
    this.#visibility = (await this.#listed()) ? 'listed' : 'counted';
    return this.sample();
  }

  get visibility(): Visibility {
    return this.#visibility;
  }

  /** What the target says it promises; undefined when it does not say. */
  get policy(): Policy | undefined {
    return this.#policy;
  }

  /** One look; undefined when the target does not answer or shows nothing. */
  async sample(): Promise<SessionSample | undefined> {
    switch (this.#visibility) {
      case 'listed':
        return this.#listed();
      case 'counted':
        return this.#source ? readOrNothing(this.#source) : this.#counted();
      case 'none':
        return undefined;
    }
  }

  close(): void {
    this.#reader.close();
    this.#source?.close();
  }

  async #health() {
    const answer = await this.#reader.get('/health');
    const body = HealthSchema.safeParse(answer?.body);
    return answer && body.success ? { ...answer, body: body.data } : undefined;
  }

  async #counted(): Promise<SessionSample | undefined> {
    const health = await this.#health();
    if (!health) return undefined;
    const { sessions, counters } = health.body;
    const { sentAt, receivedAt } = health;
    return { sentAt, receivedAt, stalenessMs: 0, count: sessions, ...(counters && { counters }) };
  }

  async #listed(): Promise<SessionSample | undefined> {
    const listed = new Set<string>();
    let sentAt: number | undefined;
    let after = 0;
    let last: SessionSample | undefined;
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const answer = await this.#reader.get(`/sessions?limit=${PAGE_SIZE}&after=${after}`);
      const body = SessionsSchema.safeParse(answer?.body);
      if (!answer || !body.success) return undefined;
      sentAt ??= answer.sentAt;
      for (const { sessionId } of body.data.sessions) listed.add(sessionId);
      const { next, counters } = body.data;
      if (next !== undefined) {
        after = next;
        last = {
          sentAt: answer.sentAt,
          receivedAt: answer.receivedAt,
          stalenessMs: 0,
          count: body.data.total,
        };
        continue;
      }
      // The counters fit the listing only when both came in one answer.
      const fitting = page === 0 && counters ? { counters } : {};
      return {
        sentAt,
        receivedAt: answer.receivedAt,
        stalenessMs: 0,
        count: listed.size,
        listed,
        ...fitting,
      };
    }
    return last;
  }
}

/** A source that once worked may fail while its target is down: then there was nothing to see. */
async function readOrNothing(source: CountSource): Promise<SessionSample | undefined> {
  try {
    return await source.read();
  } catch (error) {
    if (error instanceof CountError) return undefined;
    throw error;
  }
}
