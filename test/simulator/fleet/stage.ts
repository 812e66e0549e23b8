import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VirtualTime } from '../../../simulator/clock/virtual.ts';
import { EventLog } from '../../../simulator/event-log.ts';
import { Fleet } from '../../../simulator/fleet/fleet.ts';
import type { RunFacts } from '../../../simulator/judge/facts.ts';
import { Ledger } from '../../../simulator/judge/ledger.ts';
import { Metrics } from '../../../simulator/judge/metrics.ts';
import { PolicySchema } from '../../../simulator/judge/policy.ts';
import { Recorder } from '../../../simulator/recorder.ts';
import type { ClientProfile } from '../../../simulator/scenario/client-profile.ts';
import type { Plan } from '../../../simulator/scenario/plan.ts';
import type { PlannedExecutor } from '../../../simulator/scenario/schedule.ts';
import type { PlannedCall, PlannedStep } from '../../../simulator/scenario/step.ts';
import { hubLaunch, inProcessTarget, type Launch } from '../../../simulator/targets/in-process.ts';
import { systemError } from '../../../simulator/targets/virtual-socket.ts';

/** What the reference hub promises by default. */
export const HUB_POLICY = PolicySchema.parse({
  sessionTimeoutMs: 300_000,
  cleanupIntervalMs: 60_000,
  handshakeTimeoutMs: 30_000,
  deadPeerMs: 120_000,
});

export interface Line {
  readonly t: number;
  readonly vu: string;
  readonly kind: string;
  readonly [detail: string]: unknown;
}

export interface Play {
  readonly time: VirtualTime;
  readonly fleet: Fleet;
  /** Connections opened so far. */
  dials(): number;
}

export interface Played {
  /** The event log. */
  readonly lines: Line[];
  readonly facts: RunFacts;
  readonly dropped: number;
}

export interface PlayOptions {
  readonly launch?: Launch;
  readonly executor?: PlannedExecutor;
  readonly profile?: ClientProfile;
  readonly remembersSessions?: boolean;
  /** The target takes no connection before this time. */
  readonly refusesUntil?: number;
  /** Instead of running one cycle. */
  readonly story?: (play: Play) => Promise<void>;
}

/** Lets a fleet of one workload, called `w`, run a flow in virtual time, and tells what was taken down. */
export async function play(flow: readonly PlannedStep[], options: PlayOptions = {}): Promise<Played> {
  const { launch = hubLaunch({}), remembersSessions = false, profile = 'plain', refusesUntil = 0 } = options;
  const { executor = { kind: 'per-vu-iterations', vus: 1, iterations: 1 } } = options;
  const { story = ({ fleet }: Play) => fleet.runCycle() } = options;
  const dir = mkdtempSync(join(tmpdir(), 'mcp-soak-fleet-'));
  const log = new EventLog(join(dir, 'events.jsonl'));
  const metrics = new Metrics();
  const ledger = new Ledger({ policy: HUB_POLICY, epsilonMs: 0, onReapLag: () => undefined });
  const recorder = new Recorder(ledger, metrics, log, { noticeMs: 0 });
  const time = new VirtualTime();
  try {
    await time.drive(async () => {
      const target = await inProcessTarget('target', launch, time);
      let dials = 0;
      const fleet = new Fleet(planOf(flow, executor, profile), {
        clock: time.clock,
        endpoint: target.endpoint,
        recorder,
        remembersSessions,
        dial: (signal) => {
          dials += 1;
          const isRefused = time.clock.now() < refusesUntil;
          return isRefused ? Promise.reject(systemError('ECONNREFUSED', 'connect')) : target.dial(signal);
        },
      });
      await story({ time, fleet, dials: () => dials });
      fleet.stop();
      await target.stop();
    });
  } finally {
    time.uninstall();
  }
  log.close();
  const lines = readFileSync(join(dir, 'events.jsonl'), 'utf8').trim().split('\n');
  rmSync(dir, { recursive: true });
  return {
    lines: lines.map((line) => JSON.parse(line)),
    facts: recorder.facts({ drainMs: null, watchedUntil: 0 }),
    dropped: metrics.snapshot().counters.dropped_iterations ?? 0,
  };
}

function planOf(flow: readonly PlannedStep[], executor: PlannedExecutor, profile: ClientProfile): Plan {
  const client = { name: 'w', protocolVersion: '2025-11-25', profile } as const;
  return {
    scenario: 'fleet',
    mode: 'virtual',
    seed: 1,
    cycles: 1,
    settleMs: 0,
    observeMs: 1_000,
    workloads: [{ name: 'w', client, failureModes: [], startMs: 0, executor, flow }],
    events: [],
    thresholds: [],
    invariants: [],
    plannedSessions: 1,
  };
}

/** Requests in short, with the time of their end: `tools/call result at 0`. */
export function outcomes(lines: readonly Line[]): string[] {
  return lines
    .filter(({ kind }) => kind === 'outcome')
    .map(({ method, outcome, t, fault }) => `${method} ${outcome} at ${t}${fault ? ` (${fault})` : ''}`);
}

export const call = (tool: string, args: Record<string, string | number>, times = {}): PlannedCall => ({
  kind: 'call',
  tool,
  arguments: args,
  timeoutMs: 60_000,
  abortAfterMs: null,
  longestMs: 60_000,
  wantsProgress: false,
  ...times,
});
export const initialize: PlannedStep = { kind: 'initialize', handshake: 'full' };
export const think = (ms: number): PlannedStep => ({ kind: 'think', minMs: ms, maxMs: ms });
