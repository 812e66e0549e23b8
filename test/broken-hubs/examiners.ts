import { bundledNames, openScenario } from '../../simulator/commands/files.ts';
import type { Check } from '../../simulator/judge/check.ts';
import { run } from '../../simulator/run.ts';
import { runAudit } from '../../simulator/run-audit.ts';
import { EVERY_SDK } from './defects/defect.ts';
import { scaled } from './scaled.ts';
import type { Subject } from './subjects.ts';

/** A check that turned red, and where. */
export interface Red {
  readonly check: string;
  readonly failureModes: readonly string[];
  readonly where: string;
  readonly reason: string;
}

/** Looks at a server and says what it accuses it of. */
export type Examiner = (subject: Subject, seed: number) => Promise<Red[]>;

/** A tenth of the bundled load: enough for every defect to show, and quick. */
const LOAD = 0.1;
const A_DAY_MS = 24 * 3_600_000;

/** Healthy servers run every bundled scenario, broken ones those that concern their defect; in virtual time. */
export const scenarios: Examiner = async (subject, seed) => {
  const red: Red[] = [];
  for (const name of scenariosFor(subject)) {
    const loaded = scaled(await openScenario(name), LOAD);
    const target = { name: subject.name, launch: subject.launch(loaded) };
    const { checks } = await run({ loaded, mode: 'virtual', seed, target });
    red.push(...redOf(checks, name));
  }
  return red;
};

function scenariosFor({ defect }: Subject): readonly string[] {
  if (!defect) return bundledNames();
  return [...(defect.base === 'sdk' ? EVERY_SDK : []), ...(defect.scenarios ?? [])];
}

/** The whole audit, in virtual time; of a server that lets few requests in, what concerns its defect. */
export const audit: Examiner = async ({ name, defect, launch }, seed) => {
  const [own, other] = defect?.policy?.tokens ?? [];
  const isLimited = defect?.policy?.requestsPerSecond !== undefined;
  const { checks } = await runAudit({
    mode: 'virtual',
    seed,
    maxWaitMs: A_DAY_MS,
    target: { name, launch: launch(undefined) },
    ...(own !== undefined && { headers: bearer(own) }),
    ...(other !== undefined && { otherHeaders: bearer(other) }),
    ...(isLimited && { only: [defect.failureMode] }),
  });
  return redOf(checks, 'audit');
};

function bearer(token: string): Record<string, string> {
  return { Authorization: `Bearer ${token}` };
}

/** Whatever would make a run fail, or leave it undecided, accuses somebody. */
function redOf(checks: readonly Check[], where: string): Red[] {
  return checks
    .filter(({ verdict }) => verdict === 'fail' || verdict === 'no-data' || verdict === 'invalid')
    .map(({ name, failureModes, reason, verdict }) => ({
      check: name.split(' ')[0] ?? name,
      // What could not be decided has caught nobody.
      failureModes: verdict === 'invalid' ? [] : failureModes,
      where,
      reason,
    }));
}
