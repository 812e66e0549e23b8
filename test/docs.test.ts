import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { SETTINGS } from '../hub/config.ts';
import { PROBES } from '../simulator/audit/probes/index.ts';
import { bundledNames, openScenario } from '../simulator/commands/files.ts';
import { EXIT } from '../simulator/exit-code.ts';
import { INVARIANT_NAMES } from '../simulator/scenario/invariant-names.ts';
import { loadScenario } from '../simulator/scenario/load.ts';
import { BARE_STEPS, STEPS_WITH_SETTINGS } from '../simulator/scenario/step.ts';
import { DEFECT_NAMES } from './broken-hubs/defects.ts';
import { ELSEWHERE } from './broken-hubs/elsewhere.ts';

const readme = readFileSync('README.md', 'utf8');
const npmScripts = Object.keys(JSON.parse(readFileSync('package.json', 'utf8')).scripts);

/** The part of the README under a heading, up to the next one. */
function section(heading: string): string {
  const [, rest = ''] = readme.split(`${heading}\n`);
  return rest.split(/\n##+ /)[0] ?? '';
}

describe('The README', () => {
  test('names every check, and none that does not exist', () => {
    const named = [...section('## What is checked').matchAll(/^\| `(\w+)` *\|/gm)].map(([, name]) => name);
    expect(named.sort()).toEqual([...INVARIANT_NAMES].sort());
  });

  test('names every exit code', () => {
    const named = [...section('## Commands and exit codes').matchAll(/^\| (\d+) *\|/gm)].map(([, code]) =>
      Number(code),
    );
    expect(named.sort()).toEqual(Object.values(EXIT).sort());
  });

  test('says of each of the 58 failure modes, once, where the hub stands', () => {
    const named = section('### Failure modes').match(/F\d\d/g) ?? [];
    const all = Array.from({ length: 58 }, (_, index) => `F${String(index + 1).padStart(2, '0')}`);
    expect(named.sort()).toEqual(all);
  });

  test('names every step of a flow', () => {
    const said = section('## Write a scenario');
    for (const step of [...BARE_STEPS, ...STEPS_WITH_SETTINGS]) expect(said).toContain(`\`${step}\``);
  });

  test('shows a scenario that is valid once it has a head', () => {
    const [, yaml = ''] = /```yaml\n([\s\S]*?)```/.exec(section('## Write a scenario')) ?? [];
    const head = 'version: 1\nname: readme\ndescription: The one in the README.\n';
    expect(Object.keys(loadScenario(head + yaml, 'README.md').workloads)).toEqual([
      'vanish-frozen',
      'keep-listening',
    ]);
  });

  test('counts the defects that are planted', () => {
    const caught = DEFECT_NAMES.length - Object.keys(ELSEWHERE).length;
    expect(readme).toContain(`${DEFECT_NAMES.length} servers broken on purpose`);
    expect(readme).toContain(`${caught} of ${caught} caught`);
  });

  test('counts the checks of the audit', () => {
    expect(readFileSync('CHANGELOG.md', 'utf8')).toContain(`${PROBES.length} named checks`);
  });

  test('leads to files that there are', () => {
    const linked = [...readme.matchAll(/\]\(([\w/.-]+\.md)\)/g)].map(([, path = '']) => path);
    expect(linked.length).toBeGreaterThan(4);
    for (const path of linked) expect(existsSync(path), path).toBe(true);
  });

  test('leads to sections that there are', () => {
    const headings = [...readme.matchAll(/^##+ (.+)$/gm)].map(([, text = '']) =>
      text.toLowerCase().replaceAll(' ', '-'),
    );
    const linked = [...readme.matchAll(/\]\(#([\w-]+)\)/g)].map(([, anchor]) => anchor);
    expect(linked.length).toBeGreaterThan(3);
    for (const anchor of linked) expect(headings).toContain(anchor);
  });

  test.each(['README.md', 'CONTRIBUTING.md', ...readdirSync('docs').map((name) => `docs/${name}`)])(
    '%s calls only npm scripts that exist',
    (file) => {
      const called = [...readFileSync(file, 'utf8').matchAll(/npm run ([\w-]+)/g)].map(([, name]) => name);
      for (const name of called) expect(npmScripts).toContain(name);
    },
  );
});

describe('The house', () => {
  const sources = ['hub', 'simulator'].flatMap((root) =>
    readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => `${root}/${path}`),
  );

  test('has no file over 400 lines', () => {
    const long = sources.filter((path) => readFileSync(path, 'utf8').split('\n').length > 401);
    expect(long).toEqual([]);
  });

  test('draws random numbers in the simulator from the seed alone', () => {
    const unseeded = sources.filter(
      (path) => path.startsWith('simulator/') && readFileSync(path, 'utf8').includes('Math.random'),
    );
    expect(unseeded).toEqual([]);
  });

  test('has scenarios that together look for every failure mode of servers', async () => {
    const all = await Promise.all(bundledNames().map(openScenario));
    expect(new Set(all.flatMap(({ scenario }) => scenario.covers)).size).toBeGreaterThan(40);
  });

  test('gives every setting of the hub a name of its own', () => {
    expect(new Set(SETTINGS.map(({ name }) => name)).size).toBe(SETTINGS.length);
  });
});
