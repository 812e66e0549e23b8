import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { INVARIANT_NAMES, INVARIANTS } from '../../../simulator/scenario/invariant-names.ts';
import { nearest, quote } from '../../../simulator/scenario/nearest.ts';
import { ScenarioSchema } from '../../../simulator/scenario/schema.ts';

test('the schema can be given to editors as JSON Schema', () => {
  const schema = z.toJSONSchema(ScenarioSchema, { io: 'input' });
  expect(schema).toMatchObject({
    type: 'object',
    additionalProperties: false,
    required: ['version', 'name', 'description', 'workloads', 'settle'],
  });
  expect(JSON.stringify(schema)).toContain('"minProperties":1,"maxProperties":1');
});

test('every invariant says in one sentence what it claims and which failure modes it looks for', () => {
  for (const name of INVARIANT_NAMES) {
    expect(INVARIANTS[name].describes).toMatch(/^[A-Z][^.]*\.$/);
    expect(INVARIANTS[name].failureModes.length).toBeGreaterThan(0);
    for (const id of INVARIANTS[name].failureModes) expect(id).toMatch(/^F([0-4]\d|5[0-8])$/);
  }
});

describe('the word that was meant', () => {
  test.each<[string, string | undefined, string]>([
    ['maxVus', 'maxVUs', 'another case'],
    ['max_vus', 'maxVUs', 'another style'],
    ['itertaions', 'iterations', 'neighbours swapped'],
    ['iteration', 'iterations', 'a letter left out'],
    ['iter', 'iterations', 'only the beginning'],
    ['x', undefined, 'one letter is near to nothing'],
    ['tool', undefined, 'another word altogether'],
    ['a'.repeat(100_000), undefined, 'absurdly long'],
  ])('%s → %s (%s)', (word, meant) => {
    expect(nearest(word, ['maxVUs', 'iterations', 'h'])).toBe(meant);
  });

  test('is quoted short and harmless', () => {
    expect(quote(`a\u001b[31m\n${'x'.repeat(100)}`)).toBe(`'a·[31m·${'x'.repeat(53)}…'`);
  });
});
