import type { LeakUnit } from './judge/leak-series.ts';
import type { LeakOptions } from './leak/leak-options.ts';
import type { TargetRequest } from './run-request.ts';

/** What `mcp-soak leak` is asked for. */
export interface LeakRequest extends Omit<LeakOptions, 'unit' | 'heldBudgetBytes'> {
  /** Left out: the reference hub. */
  readonly target?: TargetRequest;
  readonly units: readonly LeakUnit[];
  /** What a session that is open may weigh, bytes. */
  readonly sessionBudgetBytes?: number;
  /** For the record: what is done is the same whatever the seed. */
  readonly seed: number;
  /** Where the target's log goes. */
  readonly outDir?: string;
  readonly stop?: AbortSignal;
  readonly onProgress?: (progress: LeakState) => void;
  /** The command that measures this again. */
  readonly replay: string;
}

/** Where a measurement is. */
export interface LeakState {
  readonly unit: LeakUnit;
  readonly phase: 'warm-up' | 'measuring' | 'culprit';
  readonly cycles: number;
  /** Memory of the target at the last reading. */
  readonly bytes: number;
}
