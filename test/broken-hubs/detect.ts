import { mkdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { bundledNames, openScenario } from '../../simulator/commands/files.ts';
import type { Check } from '../../simulator/judge/check.ts';
import { run } from '../../simulator/run.ts';
import { hubOptions } from '../../simulator/scenario/hub-options.ts';
import type { LoadedScenario } from '../../simulator/scenario/load.ts';
import { hubLaunch, type Launch } from '../../simulator/targets/in-process.ts';
import { DEFECT_NAMES, DEFECTS, type DefectName } from './defects.ts';
import type { SdkPolicy } from './policy.ts';
import { scaled } from './scaled.ts';
import { createSdkServer } from './sdk-server.ts';

/*
 * Does mcp-soak find what it says it finds? Every bundled scenario is run in virtual time against servers broken
 * on purpose, one defect each, and against healthy ones. Prints which checks turned red, writes the matrix to
 * reports/, and fails when a defect is missed, when a check turns red that the defect does not explain, or when
 * a healthy server is accused.
 */

/** A tenth of the bundled load: enough for every defect to show, and quick. */
const LOAD = 0.1;
const HEALTHY_SEEDS = 3;

/** The reference hub's defaults, for the server in the pattern of the SDK. */
const POLICY: SdkPolicy = {
  sessionTimeoutMs: 300_000,
  cleanupIntervalMs: 60_000,
  handshakeTimeoutMs: 30_000,
  heartbeatMs: 30_000,
  drainMs: 10_000,
  clientTimeoutsMs: { patient: 480_000 },
};

interface Subject {
  readonly name: string;
  readonly launch: (loaded: LoadedScenario) => Launch;
  readonly seeds: number;
  readonly defect?: DefectName;
}

interface Row {
  readonly subject: string;
  readonly failureMode: string;
  /** Check → scenarios in which it was red. */
  readonly red: Readonly<Record<string, readonly string[]>>;
  readonly caughtBy: readonly string[];
  readonly unexplained: readonly string[];
  readonly ok: boolean;
}

const SUBJECTS: readonly Subject[] = [
  {
    name: 'reference hub',
    launch: ({ scenario }) => hubLaunch(hubOptions(scenario, 'virtual')),
    seeds: HEALTHY_SEEDS,
  },
  { name: 'SDK server, healthy', launch: () => () => createSdkServer(POLICY), seeds: HEALTHY_SEEDS },
  ...DEFECT_NAMES.map((defect) => ({
    name: defect,
    launch: () => () => createSdkServer(POLICY, defect),
    seeds: 1,
    defect,
  })),
];

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { only: { type: 'string' }, verbose: { type: 'boolean' } } });
  const scenarios = await Promise.all(bundledNames().map(openScenario));
  const subjects = SUBJECTS.filter(({ name }) => values.only === undefined || name.includes(values.only));
  const rows: Row[] = [];
  for (const subject of subjects) {
    const row = await examine(subject, scenarios, values.verbose === true);
    rows.push(row);
    process.stdout.write(`${renderRow(row)}\n`);
  }
  const passed = rows.filter(({ ok }) => ok).length;
  mkdirSync('reports', { recursive: true });
  writeFileSync('reports/detection-matrix.json', `${JSON.stringify(rows, null, 2)}\n`);
  process.stdout.write(`\nreports/detection-matrix.json\n${passed} passed, ${rows.length - passed} failed\n`);
  if (passed < rows.length) process.exitCode = 1;
}

async function examine(
  subject: Subject,
  scenarios: readonly LoadedScenario[],
  isVerbose: boolean,
): Promise<Row> {
  const red: Record<string, string[]> = {};
  for (const loaded of scenarios) {
    for (let seed = 1; seed <= subject.seeds; seed += 1) {
      const small = scaled(loaded, LOAD);
      const target = { name: subject.name, launch: subject.launch(small) };
      const { checks } = await run({ loaded: small, mode: 'virtual', seed, target });
      for (const check of checks.filter(isRed)) {
        red[check.name] = [...(red[check.name] ?? []), loaded.scenario.name];
        if (isVerbose)
          process.stdout.write(`  ${subject.name} ${loaded.scenario.name}: ${check.name}: ${check.reason}\n`);
      }
    }
  }
  return judge(subject, red);
}

function judge({ name, defect }: Subject, red: Row['red']): Row {
  const names = Object.keys(red);
  if (!defect) {
    return { subject: name, failureMode: '', red, caughtBy: [], unexplained: names, ok: names.length === 0 };
  }
  const { failureMode, caughtBy: named, alsoRed = [] } = DEFECTS[defect];
  const isOneOf = (list: readonly string[]) => (check: string) => list.includes(metricOf(check));
  const caughtBy = names.filter(isOneOf(named));
  const unexplained = names.filter((check) => !isOneOf([...named, ...alsoRed])(check));
  return {
    subject: name,
    failureMode,
    red,
    caughtBy,
    unexplained,
    ok: caughtBy.length > 0 && unexplained.length === 0,
  };
}

/** Thresholds are named after their metric and rule: `mcp_request_errors rate == 0 %`. */
function metricOf(check: string): string {
  return check.split(' ')[0] ?? check;
}

/** Whatever would make a run fail, or leave it undecided, accuses somebody. */
function isRed({ verdict }: Check): boolean {
  return verdict === 'fail' || verdict === 'no-data' || verdict === 'invalid';
}

function renderRow({ subject, failureMode, red, caughtBy, unexplained, ok }: Row): string {
  const where = (check: string) => `${check} (${[...new Set(red[check])].join(', ')})`;
  const said = [
    ...(failureMode !== '' && caughtBy.length === 0 ? ['MISSED'] : []),
    ...caughtBy.map(where),
    ...unexplained.map((check) => `FALSE ALARM ${where(check)}`),
  ];
  return `${ok ? '✓' : '✗'} ${failureMode.padEnd(4)}${subject.padEnd(28)}${said.join('; ') || 'accused of nothing'}`;
}

await main();
