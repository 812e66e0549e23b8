import type { AuditProgress } from './audit/audit.ts';
import type { ToolTemplates } from './audit/offer.ts';
import type { Known } from './audit/probe.ts';
import type { Headers } from './audit/wire-request.ts';
import type { Policy } from './judge/policy.ts';
import type { LeakOptions } from './leak/leak-options.ts';
import type { LeakRequest } from './leak-request.ts';
import type { ObserverRequest, TargetRequest } from './run-request.ts';
import type { Mode } from './scenario/schema-parts.ts';

/** What `mcp-soak audit` is asked for. */
export interface AuditRequest {
  readonly mode: Mode;
  /** A whole number >= 0. */
  readonly seed: number;
  /** Left out: the reference hub. */
  readonly target?: TargetRequest;
  /** What the user says the target promises; it goes before what the target publishes. */
  readonly policy?: Partial<Policy>;
  /** Names of checks, or ids of failure modes; left out: all. */
  readonly only?: readonly string[];
  readonly bail?: boolean;
  /** What stays behind is measured, too, after all else, which takes a minute or two. Real mode only. */
  readonly memory?: Pick<LeakOptions, 'unitsPerCycle' | 'warmupCycles' | 'cycles' | 'namesCulprit'> &
    Pick<LeakRequest, 'sessionBudgetBytes'>;
  /** A check that would take longer is not made, ms; left out: what the timeouts of the target call for. */
  readonly maxWaitMs?: number;
  readonly headers?: Headers;
  readonly otherHeaders?: Headers;
  readonly tools?: ToolTemplates;
  readonly observers?: ObserverRequest;
  /** Where the target's log goes. */
  readonly outDir?: string;
  readonly stop?: AbortSignal;
  /** Told before the first check: what was learned, and how long it will take, ms. */
  readonly onPlan?: (plan: {
    readonly known: Known;
    readonly lastsMs: number;
    readonly notes: readonly string[];
  }) => void;
  readonly onProgress?: (progress: AuditProgress) => void;
  /** The command that makes this audit again. */
  readonly replay?: string;
}
