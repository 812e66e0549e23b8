import type { Clock } from '../clock/clock.ts';
import type { KnownSession } from '../mcp/client-options.ts';
import { McpClient } from '../mcp/mcp-client.ts';
import type { Outcome } from '../mcp/outcome.ts';
import type { Recorder } from '../recorder.ts';
import type { Plan, PlannedWorkload } from '../scenario/plan.ts';
import { createRandom } from '../scenario/random.ts';
import type { Dial } from '../targets/target.ts';
import { ClientLine } from './client-line.ts';
import { runConstantArrivalRate } from './constant-arrival-rate.ts';
import type { ExecutorParts, Iteration } from './executor.ts';
import { runPerVuIterations } from './per-vu-iterations.ts';
import { runSteps, type StepContext } from './steps.ts';

export interface FleetParts {
  readonly clock: Clock;
  readonly dial: Dial;
  readonly endpoint: URL;
  readonly recorder: Recorder;
  /** Whether sessions may have to be asked for after their client is done (see `probe`). */
  readonly remembersSessions: boolean;
}

interface Remembered {
  readonly workload: PlannedWorkload;
  readonly known: KnownSession;
}

/** A request nobody gave another time-out waits this long for its answer. */
const REQUEST_TIMEOUT_MS = 60_000;

/** All virtual users of a run. */
export class Fleet {
  readonly #plan: Plan;
  readonly #parts: FleetParts;
  readonly #stop = new AbortController();
  /** Those whose sockets may still be open: at work, or frozen. */
  readonly #lines = new Set<ClientLine>();
  /** Sessions whose clients are done, where the target does not list its own. Bounded by the plan. */
  readonly #remembered = new Map<number, Remembered>();
  #started = 0;

  constructor(plan: Plan, parts: FleetParts) {
    this.#plan = plan;
    this.#parts = parts;
  }

  /** Iterations begun so far. */
  get started(): number {
    return this.#started;
  }

  /** Runs every workload once, side by side; resolves when the last virtual user is done. */
  async runCycle(cycle: number): Promise<void> {
    await Promise.all(this.#plan.workloads.map((workload) => this.#runWorkload(workload, cycle)));
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
    const client = this.#newClient(remembered.workload, session, remembered.known);
    const outcome = await client.probe();
    client.release();
    return outcome;
  }

  #runWorkload(workload: PlannedWorkload, cycle: number): Promise<void> {
    const { executor } = workload;
    const parts: ExecutorParts = {
      clock: this.#parts.clock,
      stop: this.#stop.signal,
      iterate: (iteration) => this.#iterate(workload, cycle, iteration),
      dropped: (dueAt) => this.#parts.recorder.iterationDropped(workload.name, dueAt),
    };
    switch (executor.kind) {
      case 'constant-arrival-rate':
        return runConstantArrivalRate(executor, parts);
      case 'per-vu-iterations':
        return runPerVuIterations(executor, parts);
    }
  }

  /** One session: a client of its own, the flow, and the end of it. */
  async #iterate(
    workload: PlannedWorkload,
    cycle: number,
    { vu, iteration, dueAt }: Iteration,
  ): Promise<void> {
    const { clock, recorder } = this.#parts;
    this.#started += 1;
    const number = cycle * iterationsPerVu(workload) + iteration;
    const session = recorder.newSession({ workload: workload.name, vu, iteration: number });
    const clients = new ClientLine((known) => this.#newClient(workload, session, known));
    this.#lines.add(clients);
    const random = createRandom(this.#plan.seed, workload.name, vu, number);
    const context: StepContext = {
      clients,
      clock,
      random,
      recorder,
      session,
      stop: this.#stop.signal,
      dueAt,
    };
    try {
      await runSteps(workload.flow, context);
      recorder.iterationDone();
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error;
    }
    this.#leave(clients, workload, session);
  }

  /** A flow that just ends is a client that just goes. Frozen ones go on holding their sockets to the end of the run. */
  #leave(clients: ClientLine, workload: PlannedWorkload, session: number): void {
    const { known } = clients.current;
    if (known && this.#parts.remembersSessions) this.#remembered.set(session, { workload, known });
    if (this.#stop.signal.aborted) return;
    clients.leave();
    if (clients.holdsSockets) return;
    this.#lines.delete(clients);
    clients.release();
  }

  #newClient({ client }: PlannedWorkload, session: number, known?: KnownSession): McpClient {
    const { clock, dial, endpoint, recorder } = this.#parts;
    return new McpClient({
      dial,
      endpoint,
      clock,
      emit: (event) => recorder.sessionEvent(session, event),
      protocolVersion: client.protocolVersion,
      clientInfo: { name: client.name, version: '1.0.0' },
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
      ...(known && { session: known }),
    });
  }
}

/** So that the same virtual user numbers its sessions on from one cycle to the next. */
function iterationsPerVu({ executor }: PlannedWorkload): number {
  return executor.kind === 'per-vu-iterations' ? executor.iterations : executor.arrivals;
}
