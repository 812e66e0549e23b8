import type { Clock } from '../clock/clock.ts';
import type { LeakUnit } from '../judge/leak-series.ts';
import type { Policy } from '../judge/policy.ts';
import type { Lanes } from './lanes.ts';
import type { Tally } from './tally.ts';
import type { ToolCall } from './tool-call.ts';

/** What is done in a cycle, and undone. */
export interface LeakWork {
  /** In words: `initialize, echo, DELETE`. */
  readonly name: string;
  /** Opens what is held throughout. @throws LeakError when that cannot be had */
  begin(): Promise<void>;
  /** Does so many units, and undoes them. Those that fail are tallied. */
  cycle(units: number, signal: AbortSignal): Promise<void>;
  /** What one unit holds while it lasts, bytes; only where that has a bound of its own. `bytes`: memory now. */
  held?(bytes: () => Promise<number>): Promise<number | undefined>;
  /** Gives back what was held. */
  end(): Promise<void>;
}

export interface WorkParts {
  readonly clock: Clock;
  readonly lanes: Lanes;
  readonly tally: Tally;
  readonly call: ToolCall;
  /** What the target promises, where that is known. */
  readonly policy: Policy | undefined;
  /** The target shows how many sessions it has. */
  readonly isCounted: boolean;
  /** Its garbage is read along with what it needs. */
  readonly isCoarse: boolean;
}

export type WorkMaker = (parts: WorkParts) => LeakWork;
export type WorkMakers = Readonly<Record<LeakUnit, WorkMaker>>;
