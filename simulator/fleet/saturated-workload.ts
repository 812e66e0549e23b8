import type { Clock } from '../clock/clock.ts';
import type { ClientEvent } from '../mcp/client-event.ts';
import type { Headers } from '../mcp/headers.ts';
import type { Outcome } from '../mcp/outcome.ts';
import type { Recorder } from '../recorder.ts';
import { saturatingIndex } from '../scenario/engine.ts';
import type { Saturation } from '../scenario/schedule.ts';
import type { PlannedStep } from '../scenario/step.ts';
import { fire } from './autocannon.ts';
import { type BulkRequest, Shooter } from './shooter.ts';
import type { StepContext } from './step-context.ts';
import { runSteps } from './steps.ts';

interface Parts {
  readonly clock: Clock;
  readonly endpoint: URL;
  readonly recorder: Recorder;
  /** Sent with every request, a token say. */
  readonly headers: Headers;
}

/**
 * A workload that an engine carries: each virtual user opens its session as always, then all of them wait until the
 * engine has sent its requests on their sessions, then each goes on with its flow. To the ledger all that the engine
 * sends on a session is one long request: while it goes on the session is in use.
 */
export class SaturatedWorkload {
  readonly #plan: Saturation;
  readonly #parts: Parts;
  readonly #stop: AbortSignal;
  readonly #ready: Shooter[] = [];
  readonly #over = Promise.withResolvers<void>();
  /** Virtual users that have not come as far as the request yet. */
  #missing: number;

  constructor(plan: Saturation, parts: Parts, stop: AbortSignal) {
    this.#plan = plan;
    this.#parts = parts;
    this.#stop = stop;
    this.#missing = plan.connections;
  }

  /** One flow; rejects only when the run is stopped, or the engine does not run. */
  async run(flow: readonly PlannedStep[], context: StepContext): Promise<void> {
    const index = saturatingIndex(flow);
    const step = flow[index];
    if (!step) throw new Error('a flow for an engine without a request passed the checks');
    let isReady = false;
    try {
      await runSteps(flow.slice(0, index), context);
      isReady = context.clients.current.known !== undefined;
    } finally {
      // Who has no session is not waited for.
      if (!isReady) this.#arrived(requestOf(step));
    }
    if (!isReady) return;
    await this.#saturate(requestOf(step), context);
    context.dueAt = this.#parts.clock.now();
    await runSteps(flow.slice(index + 1), context);
  }

  async #saturate(request: BulkRequest, context: StepContext): Promise<void> {
    const { clock, recorder } = this.#parts;
    const { session, current } = context.clients;
    const { known } = current;
    if (!known) return;
    const use = new LongUse({
      clock,
      request: known.firstRequest,
      longestMs: request.longestMs,
      emit: (event) => recorder.sessionEvent(session, event),
    });
    const shooter = new Shooter({
      request,
      clock,
      // The client's own ids are fewer than the requests it has sent.
      lastId: known.firstRequest,
      headers: {
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        ...this.#parts.headers,
        'mcp-session-id': known.id,
        ...(known.protocolVersion !== undefined && { 'mcp-protocol-version': known.protocolVersion }),
      },
      onOutcome: (outcome) => {
        recorder.bulkRequest(outcome, { session, method: request.method });
        use.saw(outcome);
      },
    });
    use.begin(request.method !== 'ping');
    this.#ready.push(shooter);
    this.#arrived(request);
    try {
      await this.#over.promise;
    } finally {
      use.end();
    }
  }

  /** One more has come, with a session or without: the last one lets the engine begin. */
  #arrived(request: BulkRequest): void {
    this.#missing -= 1;
    if (this.#missing > 0) return;
    if (this.#ready.length === 0 || this.#stop.aborted) {
      this.#over.resolve();
      return;
    }
    const { durationMs, ratePerSecond } = this.#plan;
    this.#over.resolve(
      fire({
        endpoint: this.#parts.endpoint,
        shooters: this.#ready,
        durationMs,
        ratePerSecond,
        timeoutMs: request.timeoutMs,
        stop: this.#stop,
      }),
    );
  }
}

interface LongUseParts {
  readonly clock: Clock;
  /** Its number among those of the session. */
  readonly request: number;
  readonly longestMs: number;
  readonly emit: (event: ClientEvent) => void;
}

/** What the ledger is told of all that an engine sends on one session: one request, as long as that goes on. */
class LongUse {
  readonly #parts: LongUseParts;
  #beganAt = 0;
  /** When the request was sent that nobody waits for any more. */
  #givenUpAt: number | undefined;
  #isOver = false;

  constructor(parts: LongUseParts) {
    this.#parts = parts;
  }

  begin(handshake: boolean): void {
    const { clock, request, emit } = this.#parts;
    this.#beganAt = clock.now();
    emit({ kind: 'request-sent', at: this.#beganAt, request, handshake });
  }

  saw(outcome: Outcome): void {
    if (outcome.kind === 'aborted') this.#givenUpAt = outcome.sentAt;
    if (outcome.kind === 'http-error' && outcome.status === 404) this.#answered(outcome.doneAt, true);
  }

  end(): void {
    const { clock, request, longestMs, emit } = this.#parts;
    if (this.#isOver || this.#givenUpAt === undefined) {
      this.#answered(clock.now(), false);
      return;
    }
    this.#isOver = true;
    // Counted from the send of the whole.
    const longest = this.#givenUpAt - this.#beganAt + longestMs;
    emit({ kind: 'request-aborted', at: clock.now(), request, longestMs: longest });
  }

  #answered(at: number, gone: boolean): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#parts.emit({ kind: 'request-answered', at, request: this.#parts.request, gone });
  }
}

/** A time-out for requests that have none of their own, ms. */
const TIMEOUT_MS = 60_000;

function requestOf(step: PlannedStep): BulkRequest {
  const times = { timeoutMs: TIMEOUT_MS, longestMs: TIMEOUT_MS };
  switch (step.kind) {
    case 'call': {
      const { tool, arguments: args, timeoutMs, longestMs } = step;
      return { method: 'tools/call', params: { name: tool, arguments: args }, timeoutMs, longestMs };
    }
    case 'list':
      return { method: `${step.what}/list`, params: undefined, ...times };
    case 'ping':
      return { method: 'ping', params: undefined, ...times };
    default:
      throw new Error(`an engine cannot repeat the step ${step.kind}`);
  }
}
