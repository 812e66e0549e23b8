import { describe, expect, it } from 'vitest';
import { PolicySchema } from '../../../simulator/judge/policy.ts';
import { RESERVED_HEADERS } from '../../../simulator/mcp/headers.ts';
import { ScenarioError } from '../../../simulator/scenario/errors.ts';
import { CLIENT_SETS } from '../../../simulator/scenario/headers-schema.ts';
import { hubOptions } from '../../../simulator/scenario/hub-options.ts';
import { loadScenario, parseScenario } from '../../../simulator/scenario/load.ts';
import { makePlan } from '../../../simulator/scenario/plan.ts';

function text({ headers = '{}', rest = '' }: { headers?: string; rest?: string } = {}): string {
  return `version: 1
name: tiny
description: As small as it gets.
settle: 1s
workloads:
  one:
    executor: per-vu-iterations
    vus: 1
    iterations: 1
    client: { headers: ${headers} }
    flow: [initialize]
${rest}`;
}

/** Everything that is said about a scenario, excerpts and all; empty when nothing is. */
function saidOf(scenario: string): string {
  try {
    loadScenario(scenario, 'a.yaml');
    return '';
  } catch (error) {
    if (error instanceof ScenarioError) return error.message;
    throw error;
  }
}

describe('headers of a client', () => {
  it('are part of the plan, as they are written', () => {
    const scenario = loadScenario(
      text({ headers: "{ Authorization: Bearer alice, X-Team: '7' }" }),
      'a.yaml',
    );
    const plan = makePlan(scenario, { mode: 'virtual', seed: 1, policy: PolicySchema.parse({}) });
    expect(plan.workloads[0]?.client.headers).toEqual({ Authorization: 'Bearer alice', 'X-Team': '7' });
  });

  it.each(CLIENT_SETS)('cannot be %s, which the client sets itself', (name) => {
    const said = saidOf(text({ headers: `{ ${name.toUpperCase()}: secret-1 }` }));
    expect(said).toContain(`10:26: the client sets ${name.toUpperCase()} itself; not allowed here: accept, `);
  });

  it('are kept from being what the wire client would refuse', () => {
    expect(CLIENT_SETS).toEqual(RESERVED_HEADERS);
  });

  it.each([
    ['a name with a space', '{ "a b": secret-1 }', 'with no space and no colon'],
    ['a value that is no text', '{ X-Key: 1234567890 }', 'a header is text: write it in quotes'],
    [
      'a value of two lines',
      '{ X-Key: "secret-1\\nX: secret-1" }',
      'a header is one line of printable ASCII',
    ],
    [
      'a value longer than servers take',
      `{ X-Key: ${'secret-1'.repeat(2_000)} }`,
      'a header is at most 8,192',
    ],
    ['one name twice', '{ X-Key: secret-1, x-key: secret-2 }', 'this header stands twice'],
    [
      'more than 20',
      `{ ${Array.from({ length: 21 }, (_, n) => `X-${n}: secret-1`).join(', ')} }`,
      'headers are at most 20: every request carries them',
    ],
  ])('are refused for %s, without a word of its value', (_, headers, message) => {
    const said = saidOf(text({ headers }));
    expect(said).toContain(message);
    expect(said).not.toMatch(/secret|1234567890/);
  });
});

describe('tokens of the hub', () => {
  const TOKENS =
    'hub: { authTokens: { alice: alice-token-1234, bob: bob-token-123456 }, real: { drain: 1s } }\n';

  it('are its setting in both modes', () => {
    const scenario = loadScenario(text({ rest: TOKENS }), 'a.yaml');
    const authToken = 'alice=alice-token-1234,bob=bob-token-123456';
    expect(hubOptions(scenario, 'virtual')).toEqual({ authToken });
    expect(hubOptions(scenario, 'real')).toEqual({ authToken, drain: '1000ms' });
  });

  it.each([
    ['none', '{}', 'tokens are not empty'],
    ['one that can be guessed', '{ alice: secret-1 }', 'a token is at least 16 letters'],
    [
      'one with a comma in it',
      '{ alice: "secret-1234567,secret-1234567" }',
      'a token is at least 16 letters',
    ],
    ['a number', '{ alice: 1234567890123456 }', 'a token is text: write it in quotes'],
    ['an identity with a comma', '{ "a,b": secret-1234567890 }', 'an identity is named by letters'],
  ])('are refused for %s, without a word of it', (_, tokens, message) => {
    const said = saidOf(text({ rest: `hub: { authTokens: ${tokens} }\n` }));
    expect(said).toContain(message);
    expect(said).not.toMatch(/secret|1234567890/);
  });
});

describe('the text of a scenario that reports show', () => {
  const shown = (options: { headers?: string; rest?: string }) =>
    parseScenario(text(options), 'a.yaml').source.shownText;

  it('is the text itself where it holds no secret', () => {
    expect(shown({ headers: '{}' })).toBe(text());
  });

  it.each([
    ['plain', '{ Authorization: Bearer secret-1 }', '{ Authorization: … }'],
    ['quoted', `{ X: 'it''s secret-1', Y: "a\\tsecret-1" }`, '{ X: …, Y: … }'],
    ['anchored', '{ X: &a secret-1, Y: *a }', '{ X: &a …, Y: *a }'],
  ])('holds no value of a header that is %s', (_, headers, expected) => {
    expect(shown({ headers })).toBe(text({ headers: expected }));
  });

  it('holds no value that is written over several lines', () => {
    const block =
      'client:\n      headers:\n        X: >-\n          secret-1\n          secret-2\n    vus: 1';
    const scenario = text()
      .replace('    client: { headers: {} }\n', '')
      .replace('vus: 1', () => block);
    expect(parseScenario(scenario, 'a.yaml').source.shownText).toBe(
      scenario.replace(/>-\n.*\n.*secret-2/, '…'),
    );
  });

  it('holds no token, and no credential of a raw request', () => {
    const scenario = text({ rest: 'hub: { authTokens: { alice: secret-token-1234 } }\n' }).replace(
      '[initialize]',
      "[initialize, { repeat: { times: 2, steps: [ { raw: { method: GET, headers: { cookie: 'id=secret' }, expect: { status: 404 } } } ] } }]",
    );
    const { source } = parseScenario(scenario, 'a.yaml');
    expect(source.shownText).not.toContain('secret');
    expect(source.shownText).toContain('headers: { cookie: … }, expect');
    expect(source.credentials).toEqual(['id=secret']);
  });
});
