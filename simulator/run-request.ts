import type { Policy } from './judge/policy.ts';
import type { Headers } from './mcp/headers.ts';
import type { CountSourceRequest } from './observers/count-source.ts';
import type { Progress } from './reporters/progress.ts';
import type { LoadedScenario } from './scenario/load.ts';
import type { Mode } from './scenario/schema-parts.ts';
import type { Launch } from './targets/in-process.ts';

export interface RunRequest {
  readonly loaded: LoadedScenario;
  readonly mode: Mode;
  /** A whole number >= 0. */
  readonly seed: number;
  /** What to load instead of the reference hub. */
  readonly target?: TargetRequest;
  /** What the target promises, where it does not publish that itself. */
  readonly policy?: Policy;
  readonly observers?: ObserverRequest;
  /** Sent with every request to the target, a token say; what is written never shows their values. */
  readonly headers?: Headers;
  /** Where `events.jsonl` and the target's log go; without it nothing is written. */
  readonly outDir?: string;
  /** Stops the run early: what there is by then is judged. */
  readonly stop?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /** Told, as a sentence, of what will stand in the way of the run. */
  readonly onWarning?: (warning: string) => void;
}

/** A server that runs (real mode), one to start in process (virtual), a command (real), or a module (both). */
export type TargetRequest =
  | URL
  | { readonly name: string; readonly launch: Launch }
  | { readonly command: string; readonly url: URL }
  /** A file that exports a server, and the path of its MCP endpoint. */
  | { readonly module: string; readonly path: string };

/** What is looked at besides what every run looks at. Real mode only. */
export interface ObserverRequest {
  /** Heap, handles, event-loop delay and GC of a Node process: that of the target, or one by its process id. */
  readonly heap?: 'target' | number;
  /** Where the number of sessions is read, instead of the target's own `/health` and `/sessions`. */
  readonly sessionsFrom?: CountSourceRequest;
}

/** A request that cannot be carried out as it stands. */
export class RequestError extends Error {
  override name = 'RequestError';
}
