import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { ELSEWHERE } from './elsewhere.ts';
import { audit, type Examiner, type Red, scenarios } from './examiners.ts';
import { type Row, renderMatrix, renderRow } from './matrix.ts';
import { BROKEN, HEALTHY, type Subject } from './subjects.ts';

/*
 * Does mcp-soak find what it says it finds? Servers broken on purpose, one defect each, are audited in virtual time
 * and run through the scenarios that should see their defect; three healthy servers are audited with many seeds and
 * run through all scenarios. Prints which checks turned red, writes the matrix to reports/, and fails when a defect is
 * missed, by all or by a scenario that should see it, or a healthy server accused.
 */

const DEFAULT_SEEDS = 20;
/** Of the bundled scenarios, which take longer than an audit. */
const SCENARIO_SEEDS = 3;
/** As many as there are cores on a small machine. */
const SHARDS = 2;

const OPTIONS = {
  only: { type: 'string' },
  seeds: { type: 'string', default: String(DEFAULT_SEEDS) },
  verbose: { type: 'boolean', default: false },
  /** `0`, `1`: this process does every second look, and prints what it found as JSON. */
  shard: { type: 'string' },
} as const;

/** What one process found. */
const FoundSchema = z.array(
  z.object({
    subject: z.string(),
    check: z.string(),
    failureModes: z.array(z.string()),
    where: z.string(),
    reason: z.string(),
  }),
);
type Found = z.infer<typeof FoundSchema>[number];

async function main(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.shard !== undefined) {
    const found: Found[] = [];
    for (const [index, subject] of wanted(values.only).entries()) {
      found.push(...(await examine(subject, index, { ...values, shard: Number(values.shard) })));
    }
    process.stdout.write(JSON.stringify(found));
    return;
  }
  const found = (await Promise.all(Array.from({ length: SHARDS }, (_, shard) => runShard(shard)))).flat();
  const rows = wanted(values.only).map((subject) => {
    const elsewhere = Object.entries(ELSEWHERE).find(([name]) => name === subject.name)?.[1];
    return judge(
      subject,
      found.filter((one) => one.subject === subject.name),
      elsewhere,
    );
  });
  for (const row of rows) process.stdout.write(`${renderRow(row)}\n`);
  mkdirSync('reports', { recursive: true });
  writeFileSync('reports/detection-matrix.json', `${JSON.stringify(rows, null, 2)}\n`);
  writeFileSync('reports/detection-matrix.md', renderMatrix(rows));
  const failed = rows.filter(({ verdict }) => verdict === 'missed' || verdict === 'accused').length;
  const elsewhere = rows.filter(({ verdict }) => verdict === 'elsewhere').length;
  process.stdout.write(
    `\nreports/detection-matrix.md; ${elsewhere} defects show elsewhere and are not counted\n${rows.length - failed - elsewhere} passed, ${failed} failed\n`,
  );
  if (failed > 0 || rows.length === 0) process.exitCode = 1;
}

function wanted(only: string | undefined): Subject[] {
  return [...HEALTHY, ...BROKEN].filter(({ name }) => only === undefined || name.includes(only));
}

/** Half of the work in a process of its own: virtual time has one thread, machines have more. */
async function runShard(shard: number): Promise<Found[]> {
  const args = [fileURLToPath(import.meta.url), ...process.argv.slice(2), '--shard', String(shard)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  if (code !== 0) throw new Error(`a shard of the matrix ended with code ${code}`);
  return FoundSchema.parse(JSON.parse(said));
}

/** Broken subjects go to the shards in turn, and of healthy ones, which take longest, the seeds do. */
async function examine(
  subject: Subject,
  index: number,
  { seeds, verbose, shard }: { seeds: string; verbose: boolean; shard: number },
): Promise<Found[]> {
  const { defect, name } = subject;
  const red: Red[] = [];
  const look = async (examiner: Examiner, times: number) => {
    for (let seed = 1; seed <= times; seed += 1) {
      const turn = defect ? index : index + seed;
      if (turn % SHARDS === shard) red.push(...(await examiner(subject, seed)));
    }
  };
  await look(audit, defect ? 1 : Number(seeds));
  await look(scenarios, defect ? 1 : Math.min(SCENARIO_SEEDS, Number(seeds)));
  if (verbose)
    for (const { check, where, reason } of red)
      process.stderr.write(`  ${name} ${where}: ${check}: ${reason}\n`);
  return red.map((one) => ({ ...one, failureModes: [...one.failureModes], subject: name }));
}

function judge({ name, defect }: Subject, red: readonly Red[], elsewhere: string | undefined): Row {
  const where: Record<string, string[]> = {};
  for (const each of red) where[each.check] = [...new Set([...(where[each.check] ?? []), each.where])];
  const names = Object.keys(where);
  if (!defect) {
    const verdict = names.length === 0 ? 'ok' : 'accused';
    return {
      subject: name,
      failureMode: '',
      red: where,
      caughtBy: [],
      consequences: names,
      blind: [],
      verdict,
      note: '',
    };
  }
  const { failureMode, caughtBy: named } = defect;
  const catches = ({ check, failureModes }: Red) =>
    failureModes.includes(failureMode) || named.some((invariant) => invariant === check);
  const caught = red.filter(catches);
  const caughtBy = [...new Set(caught.map(({ check }) => check))];
  const blind = (defect.scenarios ?? []).filter((each) => !caught.some((one) => one.where === each));
  const isCaught = caughtBy.length > 0 && blind.length === 0;
  const verdict = isCaught ? 'ok' : elsewhere === undefined ? 'missed' : 'elsewhere';
  const consequences = names.filter((check) => !caughtBy.includes(check));
  const note = elsewhere ?? '';
  return { subject: name, failureMode, red: where, caughtBy, consequences, blind, verdict, note };
}

await main();
