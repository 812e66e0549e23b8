import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { initScenario } from '../../../simulator/commands/init.ts';
import { run } from '../../../simulator/run.ts';
import { readScenario } from '../../../simulator/scenario/load.ts';
import { command, folder } from './results.ts';

const init = (file: string, options = {}) => command((console) => initScenario(file, options, console));

describe('mcp-soak init', () => {
  it('writes a scenario that passes against the hub as it stands', async () => {
    const file = join(folder(), 'new', 'My Server!.yaml');
    const { code, out, err } = await init(file);
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain(`npx mcp-soak run ${file} --target http://127.0.0.1:3000/mcp --policy `);

    const loaded = await readScenario(file);
    expect(loaded.scenario.name).toBe('my-server');
    const result = await run({ loaded, mode: 'virtual', seed: 1 });
    expect(result.verdict).toBe('pass');
    expect(result.checks.filter(({ verdict }) => verdict !== 'pass')).toEqual([]);
  });

  it('explains each part of it', async () => {
    const file = join(folder(), 'soak.yaml');
    await init(file);
    const text = readFileSync(file, 'utf8');
    for (const word of ['T  idle timeout', 'executor:', 'abandon:', 'settle:', 'thresholds:', '--policy']) {
      expect(text).toContain(word);
    }
    expect(text.match(/#/g)?.length).toBeGreaterThan(20);
  });

  it('writes over nothing, unless told to', async () => {
    const file = join(folder(), 'soak.yaml');
    writeFileSync(file, 'mine');
    const { code, out, err } = await init(file);
    expect([code, out]).toEqual([104, '']);
    expect(err).toBe(
      `mcp-soak: ${file} is there already: name another file, or add --force to write over it.\n`,
    );
    expect(readFileSync(file, 'utf8')).toBe('mine');
    expect(await init(file, { force: true })).toMatchObject({ code: 0 });
    expect(readFileSync(file, 'utf8')).toContain('version: 1');
  });

  it('refuses a place that cannot be written to', async () => {
    const { code, err } = await init('/dev/null/soak.yaml');
    expect([code, existsSync('/dev/null/soak.yaml')]).toEqual([104, false]);
    expect(err).toContain('/dev/null/soak.yaml cannot be written: ');
  });

  it.each([
    ['42.yaml', 'soak'],
    ['Über-Server.yml', 'ber-server'],
    ['a--b_.yaml', 'a-b'],
  ])('names the scenario in %s %s', async (base, name) => {
    const file = join(folder(), base);
    await init(file);
    expect((await readScenario(file)).scenario.name).toBe(name);
  });
});
