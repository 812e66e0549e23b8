import type { InvariantName } from '../../../simulator/scenario/invariant-names.ts';
import type { PlainPolicy } from '../plain-server/policy.ts';

/** The failure mode a defect stands for (FAILURE-MODES.md). */
export type FailureMode = `F${string}`;

/** One way in which a server can be broken on purpose. */
export interface Defect {
  readonly describes: string;
  /** The healthy server that it breaks: the one around the SDK's transport, or the one on node:http alone. */
  readonly base: 'sdk' | 'plain';
  /** The failure mode it stands for; a red check that looks for it has caught the defect. */
  readonly failureMode: FailureMode;
  /** The checks expected to turn red in scenarios; which of them do depends on what the scenario contains. */
  readonly caughtBy: readonly (InvariantName | 'mcp_request_errors')[];
  /** Bundled scenarios in each of which a check that looks for it has to turn red, beside those of `EVERY_SDK`. */
  readonly scenarios?: readonly string[];
  /** Checks that may turn red with it: they tell of its consequences, not of the defect. */
  readonly alsoRed?: readonly string[];
  /** Failure modes whose checks may turn red with it, for the same reason. */
  readonly alsoModes?: readonly FailureMode[];
  /** What the server, broken or healthy, is set to so that the defect can show. */
  readonly policy?: Partial<PlainPolicy>;
}

/** Every defect of the SDK server runs through these; it is caught where one of them sees it. */
export const EVERY_SDK: readonly string[] = ['abandon', 'idle-timeout', 'churn', 'shutdown'];

/** A defect of the plain server that only the audit can see: no bundled scenario does what it takes. */
export function auditOnly(
  failureMode: FailureMode,
  describes: string,
  more: Pick<Defect, 'policy' | 'alsoModes'> = {},
): Defect {
  return { base: 'plain', failureMode, describes, caughtBy: [], ...more };
}

/** A defect of the plain server that the audit sees, and each of these scenarios, too. */
export function alsoIn(
  scenarios: readonly string[],
  failureMode: FailureMode,
  describes: string,
  more: Partial<Pick<Defect, 'caughtBy' | 'policy' | 'alsoModes'>> = {},
): Defect {
  return { ...auditOnly(failureMode, describes), scenarios, ...more };
}
