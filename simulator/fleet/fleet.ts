import type { Clock } from '../clock/clock.ts';
import type { KnownSession } from '../mcp/client-options.ts';
import { type Headers, mergedHeaders } from '../mcp/headers.ts';
import { McpClient } from '../mcp/mcp-client.ts';
import type { Outcome } from '../mcp/outcome.ts';
import type { Recorder } from '../recorder.ts';
import type { Plan, PlannedWorkload } from '../scenario/plan.ts';
import { createRandom, type Random } from '../scenario/random.ts';
import { modelOf, sessionsPerCycle } from '../scenario/schedule.ts';
import { mostConcurrent, type PlannedStep } from '../scenario/step.ts';
import { FaultyNetwork } from '../targets/faulty-dial.ts';
import type { Dial } from '../targets/target.ts';
import { ClientLine } from './client-line.ts';
import { runConstantArrivalRate } from './constant-arrival-rate.ts';
import { runConstantVus } from './constant-vus.ts';
import type { ExecutorParts, Iteration } from './executor.ts';
import { Inbox } from './inbox.ts';
import { runPerVuIterations } from './per-vu-iterations.ts';
import { PROFILES } from './profiles/profile.ts';
import { runRampingArrivalRate } from './ramping-arrival-rate.ts';
import { runRampingVus } from './ramping-vus.ts';
import { SaturatedWorkload } from './saturated-workload.ts';
import type { StepContext } from './step-context.ts';
import { runSteps } from './steps.ts';
import { StreamKeeper } from './stream-keeper.ts';

export interface FleetParts {
  readonly clock: Clock;
  readonly dial: Dial;
  readonly endpoint: URL;
  readonly recorder: Recorder;
  /** Whether sessions may have to be asked for after their client is done (see `probe`). */
  readonly remembersSessions: boolean;
  /** Sent with every request; those of a workload's own go before them. */
  readonly headers?: Headers;
}

interface Remembered {
  readonly workload: PlannedWorkload;
  readonly known: KnownSession;
}

/** A request nobody gave another time-out waits this long for its answer. */
const REQUEST_TIMEOUT_MS = 60_000;
/** Beside its calls a client may have a stream, an answer to a ping, and one connection that is just closing. */
const SPARE_CONNECTIONS = 7;

/** All virtual users of a run. */
export class Fleet {
  readonly #plan: Plan;
  readonly #parts: FleetParts;
  readonly #stop = new AbortController();
  /** Those whose sockets may still be open: at work, or frozen. */
  readonly #lines = new Set<ClientLine>();
  /** Sessions whose clients are done, where the target does not list its own. Bounded by the plan. */
  readonly #remembered = new Map<number, Remembered>();
  /** Workload → where its next cycle numbers its iterations from. */
  readonly #nextIteration = new Map<string, number>();
  #started = 0;
  #startedUnplanned = 0;

  constructor(plan: Plan, parts: FleetParts) {
    this.#plan = plan;
    this.#parts = parts;
  }

  /** Iterations begun so far. */
  get started(): number {
    return this.#started;
  }

  /** Iterations that were to begin: those of the plan, and those that closed executors had the time for. */
  get planned(): number {
    return this.#plan.plannedSessions + this.#startedUnplanned;
  }

  /** Runs every workload once, side by side; resolves when the last virtual user is done. */
  async runCycle(): Promise<void> {
    await Promise.all(this.#plan.workloads.map((workload) => this.#runWorkload(workload)));
  }

  /** Ends all virtual users where they are, and lets go of every socket. Nothing is sent any more. */
  stop(): void {
    this.#stop.abort(new Error('The run was stopped.'));
    for (const clients of this.#lines) clients.release();
    this.#lines.clear();
  }

  /** Asks a session whose client is done whether it is still there; undefined when it never had an id. */
  async probe(session: number): Promise<Outcome | undefined> {
    const remembered = this.#remembered.get(session);
    if (!remembered) return undefined;
    const client = this.#newClient(remembered.workload, session, { known: remembered.known });
    const outcome = await client.probe();
    client.release();
    return outcome;
  }

  async #runWorkload(workload: PlannedWorkload): Promise<void> {
    const { clock, recorder } = this.#parts;
    const stop = this.#stop.signal;
    if (workload.startMs > 0) await clock.sleep(workload.startMs, stop).catch(() => undefined);
    const first = this.#nextIteration.get(workload.name) ?? 0;
    const { executor } = workload;
    const saturation =
      executor.kind === 'saturation'
        ? new SaturatedWorkload(executor, { ...this.#parts, headers: this.#headersOf(workload) }, stop)
        : undefined;
    await runExecutor(workload, {
      clock,
      stop,
      iterate: (iteration) => this.#iterate(workload, first, iteration, saturation),
      dropped: (dueAt) => recorder.iterationDropped(workload.name, dueAt),
    });
  }

  /** One iteration: clients of its own, the flow, and the end of it. */
  async #iterate(
    workload: PlannedWorkload,
    first: number,
    planned: Iteration,
    saturation: SaturatedWorkload | undefined,
  ): Promise<void> {
    const { clock, recorder } = this.#parts;
    const { vu } = planned;
    const iteration = first + planned.iteration;
    this.#noteStart(workload, iteration);
    const stream = [this.#plan.seed, workload.name, vu, iteration] as const;
    const keeper = this.#newKeeper(workload, createRandom(...stream, 'stream'), () => clients.session);
    const clients = this.#newLine(workload, { vu, iteration }, keeper);
    this.#lines.add(clients);
    const time = this.#timeOf(planned, clients);
    const context: StepContext = {
      clients,
      profile: PROFILES[workload.client.profile],
      clock,
      random: createRandom(...stream),
      recorder,
      stop: time.signal,
      dueAt: planned.dueAt,
    };
    try {
      await (saturation?.run(workload.flow, context) ?? runSteps(workload.flow, context));
      recorder.iterationDone();
    } catch (error) {
      if (!time.signal.aborted) throw error;
    } finally {
      time.forget();
      keeper?.stop();
    }
    this.#leave(clients);
  }

  #noteStart({ name, executor }: PlannedWorkload, iteration: number): void {
    this.#started += 1;
    if (modelOf(executor) === 'closed' && sessionsPerCycle(executor) === 0) this.#startedUnplanned += 1;
    this.#nextIteration.set(name, Math.max(this.#nextIteration.get(name) ?? 0, iteration + 1));
  }

  /** When an iteration must end: with the run, or earlier, where its virtual user's time is over. */
  #timeOf({ cutAt }: Iteration, clients: ClientLine): { signal: AbortSignal; forget: () => void } {
    const run = this.#stop.signal;
    if (cutAt === undefined) return { signal: run, forget: () => undefined };
    const cut = new AbortController();
    const onStop = () => cut.abort(run.reason);
    run.addEventListener('abort', onStop, { once: true });
    const cancel = this.#parts.clock.at(cutAt, () => {
      clients.leave();
      cut.abort(new Error('The time of this virtual user is over.'));
    });
    const forget = () => {
      cancel();
      run.removeEventListener('abort', onStop);
    };
    return { signal: cut.signal, forget };
  }

  /** A flow that just ends is a client that just goes. Frozen ones go on holding their sockets to the end of the run. */
  #leave(clients: ClientLine): void {
    if (this.#stop.signal.aborted) return;
    clients.leave();
    if (clients.holdsSockets) return;
    this.#lines.delete(clients);
    clients.release();
  }

  #newLine(
    workload: PlannedWorkload,
    actor: { vu: number; iteration: number },
    keeper: StreamKeeper | undefined,
  ): ClientLine {
    const { clock, dial, recorder, remembersSessions } = this.#parts;
    const network = hasFault(workload.flow) ? new FaultyNetwork(dial, clock) : undefined;
    return new ClientLine({
      network,
      newSession: (nth) =>
        recorder.newSession({ workload: workload.name, ...actor, ...(nth > 1 && { nth }) }),
      newInbox: (session) => new Inbox({ owner: recorder.label(session), count: recorder.events }),
      newClient: (session, inbox, known) =>
        this.#newClient(workload, session, { known, network, keeper, inbox }),
      onDone: (session, known) => {
        if (remembersSessions) this.#remembered.set(session, { workload, known });
      },
    });
  }

  #newKeeper({ client }: PlannedWorkload, random: Random, session: () => number): StreamKeeper | undefined {
    const { clock, recorder } = this.#parts;
    const waiting = PROFILES[client.profile].reopen;
    if (waiting === null) return undefined;
    return new StreamKeeper({
      clock,
      random,
      waiting,
      onAttempt: (outcome, dueAt) => {
        // Whether the session ought to be there is the ledger's to judge.
        const isExpected = outcome.kind === 'http-error' && [404, 405].includes(outcome.status);
        recorder.request(outcome, { session: session(), method: 'GET', dueAt, isExpected });
      },
    });
  }

  #headersOf({ client }: PlannedWorkload): Headers {
    return mergedHeaders(this.#parts.headers, client.headers);
  }

  #newClient(workload: PlannedWorkload, session: number, between: Between = {}): McpClient {
    const { clock, endpoint, recorder } = this.#parts;
    const { client, flow } = workload;
    const { known, network, keeper, inbox } = between;
    const made = new McpClient({
      dial: network?.dial ?? this.#parts.dial,
      endpoint,
      clock,
      emit: (event) => {
        const isPartial = event.kind === 'request-sent' && network?.sendsHalf === true;
        recorder.sessionEvent(session, isPartial ? { ...event, isPartial } : event);
      },
      protocolVersion: client.protocolVersion,
      clientInfo: { name: client.name, version: '1.0.0' },
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      headers: this.#headersOf(workload),
      maxConnections: mostConcurrent(flow) + SPARE_CONNECTIONS,
      ...(PROFILES[client.profile].ids === 'always-1' && { nextId: () => 1 }),
      onStreamLost: () => {
        // Whether it is resumed is shown by what comes next.
        inbox?.streamLost({ hasIds: made.lastEventId !== '', isResumed: true });
        keeper?.lost(made);
      },
      ...(inbox && { onNotification: inbox.hear }),
      ...(known && { session: known }),
    });
    return made;
  }
}

/** What stands between a client and the target, and who looks after it. */
interface Between {
  readonly known?: KnownSession | undefined;
  readonly network?: FaultyNetwork | undefined;
  readonly keeper?: StreamKeeper | undefined;
  readonly inbox?: Inbox | undefined;
}

function hasFault(flow: readonly PlannedStep[]): boolean {
  return flow.some((step) => {
    if (step.kind === 'repeat') return hasFault(step.steps);
    return step.kind === 'parallel' ? step.flows.some(hasFault) : step.kind === 'fault';
  });
}

function runExecutor({ executor }: PlannedWorkload, parts: ExecutorParts): Promise<void> {
  switch (executor.kind) {
    case 'constant-arrival-rate':
      return runConstantArrivalRate(executor, parts);
    case 'ramping-arrival-rate':
      return runRampingArrivalRate(executor, parts);
    case 'per-vu-iterations':
      return runPerVuIterations(executor, parts);
    case 'constant-vus':
      return runConstantVus(executor, parts);
    case 'ramping-vus':
      return runRampingVus(executor, parts);
    case 'saturation':
      return runPerVuIterations(
        { kind: 'per-vu-iterations', vus: executor.connections, iterations: 1 },
        parts,
      );
  }
}
