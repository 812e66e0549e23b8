import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';
import { mcpSoak } from '../../e2e/cli.ts';

const WorkflowSchema = z.looseObject({
  name: z.string(),
  jobs: z.record(
    z.string(),
    z.looseObject({
      steps: z.array(z.looseObject({ run: z.string().optional(), uses: z.string().optional() })),
    }),
  ),
});

const [, IN_CI = ''] = readFileSync('README.md', 'utf8').split('\n## In CI\n');
const SECTION = IN_CI.split('\n## ')[0] ?? '';
const [, COPIED = ''] = /```yaml\n([\s\S]*?)```/.exec(SECTION) ?? [];

const workflows = [
  ['our own', readFileSync('.github/workflows/ci.yml', 'utf8')],
  ['the one to copy from the README', COPIED],
] as const;

/** What the steps of a workflow run. */
function commands(text: string): string[] {
  const { jobs } = WorkflowSchema.parse(parse(text));
  return Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []));
}

describe.each(workflows)('the workflow: %s', (_, text) => {
  it.each(['run', 'compare'])('calls mcp-soak %s with options that there are', async (command) => {
    const called = commands(text)
      .join('\n')
      .replaceAll('\\\n', ' ')
      .split('\n')
      .filter((line) => line.includes(`mcp-soak ${command}`) || line.includes(`mcp-soak -- ${command}`));
    const options = called.flatMap(
      (line) => (line.split(/mcp-soak(?: --)? /)[1] ?? '').match(/--[\w-]+/g) ?? [],
    );
    const { out } = await mcpSoak(command, '--help');
    expect(options.length).toBeGreaterThan(0);
    for (const option of options) expect(out).toContain(`${option} `);
  });

  it('pins its actions to a version', () => {
    const { jobs } = WorkflowSchema.parse(parse(text));
    const used = Object.values(jobs).flatMap(({ steps }) => steps.flatMap(({ uses }) => uses ?? []));
    for (const action of used) expect(action).toMatch(/^actions\/[\w-]+@v\d+$/);
  });
});

it('the README and docs/compare.md name only limits that mcp-soak compare knows', async () => {
  const { out } = await mcpSoak('compare', '--help');
  const named = SECTION + readFileSync('docs/compare.md', 'utf8');
  const flags = named.match(/--m(?:ax|in)-[\w-]+/g) ?? [];
  expect(flags.length).toBeGreaterThan(5);
  for (const flag of flags) expect(out).toContain(`${flag} <limit>`);
});
