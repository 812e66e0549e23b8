import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { scenarioJsonSchema } from '../../../simulator/commands/schema.ts';
import { loadScenario } from '../../../simulator/scenario/load.ts';
import { BARE_STEPS, STEPS_WITH_SETTINGS } from '../../../simulator/scenario/step.ts';
import { mcpSoak } from '../../e2e/cli.ts';

const FILE = 'schema/scenario.schema.json';
// Strict: a keyword that ajv does not know is a mistake in the schema.
const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(scenarioJsonSchema());

const bundled = readdirSync('scenarios').map(
  (file) => [file, readFileSync(join('scenarios', file), 'utf8')] as const,
);

describe('the JSON Schema of scenarios', () => {
  it('is published as the code has it (else: npm run schema)', () => {
    expect(JSON.parse(readFileSync(FILE, 'utf8'))).toEqual(scenarioJsonSchema());
  });

  it('is printed by mcp-soak schema', async () => {
    const { code, out } = await mcpSoak('schema');
    expect([code, JSON.parse(out)]).toEqual([0, scenarioJsonSchema()]);
  });

  it('names its dialect and itself', () => {
    expect(scenarioJsonSchema()).toMatchObject({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $id: 'urn:mcp-soak:scenario:1',
    });
  });

  it.each(bundled)('accepts %s, which points editors to it', (_, text) => {
    expect([validate(parse(text)), validate.errors]).toEqual([true, null]);
    expect(text.split('\n')[0]).toBe(`# yaml-language-server: $schema=../${FILE}`);
  });

  it('tells of every step what it does', () => {
    const said = JSON.stringify(scenarioJsonSchema());
    for (const step of [...BARE_STEPS, ...STEPS_WITH_SETTINGS])
      expect(said).toMatch(new RegExp(`${step}: [A-Z]`));
  });
});

const [, ABANDON = ''] = bundled.find(([file]) => file === 'abandon.yaml') ?? [];

describe('it agrees with mcp-soak', () => {
  it.each([
    ['a sum of times', 'settle: D + T + 2C', 'settle: 1.5h - 0.5T + 3ms', true],
    ['one value for each mode', 'settle: D + T + 2C', 'settle: { virtual: 5s, real: 1s }', true],
    ['what has a default left out', 'observe: { virtual: 6s, real: 100ms }', '', true],
    [
      'a limit per method',
      'mcp_request_errors: [rate == 0]',
      "'mcp_request_service_ms{method:ping}': ['p(99.9) < 1 s']",
      true,
    ],
    ['a time without a unit', 'settle: D + T + 2C', 'settle: 5', false],
    ['a unit that there is not', 'settle: D + T + 2C', 'settle: 5d', false],
    ['a policy time where the policy comes from', 'sessionTimeout: 1500ms', 'sessionTimeout: 2T', false],
    ['an unknown key', 'version: 1', 'version: 1\nsetle: 5s', false],
    ['an unknown step', '- listen', '- lissen', false],
    ['two steps in one', '- abandon: frozen', '- { abandon: frozen, think: 1s }', false],
    ['an unknown executor', 'executor: per-vu-iterations', 'executor: per-vu', false],
    ['a rate of nothing', 'rate: 10', 'rate: 0', false],
    ['an unknown metric', 'mcp_request_errors: [rate == 0]', 'mcp_errors: [rate == 0]', false],
    [
      'a method of what has none',
      'mcp_request_errors: [rate == 0]',
      "'iterations{method:x}': [count > 0]",
      false,
    ],
    ['a rule that is none', '[rate == 0]', '[rate is 0]', false],
    ['an unknown failure mode', 'covers: [F01,', 'covers: [F59,', false],
    ['another version', 'version: 1', 'version: 2', false],
  ])('on %s', (_, from, to, isValid) => {
    expect(ABANDON).toContain(from);
    const text = ABANDON.replace(from, to);
    expect(validate(parse(text))).toBe(isValid);
    if (isValid) loadScenario(text, 'x.yaml');
    else expect(() => loadScenario(text, 'x.yaml')).toThrow();
  });
});
