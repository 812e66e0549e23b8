import type { Policy } from './judge/policy.ts';
import type { Progress } from './reporters/progress.ts';
import type { LoadedScenario } from './scenario/load.ts';
import type { Mode } from './scenario/schema-parts.ts';
import type { Launch } from './targets/in-process.ts';

export interface RunRequest {
  readonly loaded: LoadedScenario;
  readonly mode: Mode;
  /** A whole number >= 0. */
  readonly seed: number;
  /** What to load instead of the reference hub: a server that runs (real mode), or one to start in process (virtual). */
  readonly target?: URL | { readonly name: string; readonly launch: Launch };
  /** What the target promises, where it does not publish that itself. */
  readonly policy?: Policy;
  /** Where `events.jsonl` and the target's log go; without it nothing is written. */
  readonly outDir?: string;
  /** Stops the run early: what there is by then is judged. */
  readonly stop?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/** A request that cannot be carried out as it stands. */
export class RequestError extends Error {
  override name = 'RequestError';
}
