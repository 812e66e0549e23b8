import { describe, expect, test } from 'vitest';
import { loadScenario } from '../../../simulator/scenario/load.ts';
import { makePlan } from '../../../simulator/scenario/plan.ts';
import type { PlannedStep } from '../../../simulator/scenario/step.ts';
import { POLICY, problemsOf, tiny } from './fixture.ts';

/** Steps after initialize as they are planned. */
function planned(...flow: string[]): readonly PlannedStep[] {
  const scenario = loadScenario(tiny({ flow: ['initialize', ...flow] }), 'a.yaml');
  const plan = makePlan(scenario, { mode: 'real', seed: 0, policy: POLICY });
  return plan.workloads[0]?.flow.slice(1) ?? [];
}

const problems = (...flow: string[]) => problemsOf(tiny({ flow: ['initialize', ...flow] }));

describe('is planned', () => {
  const call = {
    kind: 'call',
    tool: 'echo',
    arguments: {},
    timeoutMs: 60_000,
    abortAfterMs: null,
    longestMs: 60_000,
    wantsProgress: false,
  };
  const raw = { kind: 'raw', path: null, headers: [], body: null, timeoutMs: 60_000 };
  const fault = {
    kind: 'fault',
    scope: 'next request',
    delayMs: null,
    cutAfterBytes: null,
    readBytesPerSecond: null,
    halfBody: false,
  };

  test.each<[string, object]>([
    ['ping', { kind: 'ping' }],
    ['reset', { kind: 'reset' }],
    ['reinitialize', { kind: 'reinitialize' }],
    [
      'concurrent: { times: 2, call: { tool: echo, timeout: 2T } }',
      { kind: 'concurrent', calls: Array(2).fill({ ...call, timeoutMs: 3_000, longestMs: 3_000 }) },
    ],
    [
      'concurrent: { calls: [{ tool: echo }, { tool: sleep, arguments: { ms: { duration: T } } }] }',
      { kind: 'concurrent', calls: [call, { ...call, tool: 'sleep', arguments: { ms: 1500 } }] },
    ],
    ['raw: { method: GET, expect: { status: 400 } }', { ...raw, method: 'GET', statuses: [400] }],
    [
      "raw: { method: BREW, path: '/pot?a=b', headers: { Host: evil.example, X-Long: { repeat: y, times: 9 } }, body: '{', timeout: 2C, expect: { status: [400, closed] } }",
      {
        ...raw,
        method: 'BREW',
        path: '/pot?a=b',
        headers: [
          ['Host', { text: 'evil.example', times: 1 }],
          ['X-Long', { text: 'y', times: 9 }],
        ],
        body: { text: '{', times: 1 },
        timeoutMs: 600,
        statuses: [400, 'closed'],
      },
    ],
    [
      'raw: { method: POST, bodyBytes: 5000000, expect: { status: 413 } }',
      { ...raw, method: 'POST', body: { text: 'x', times: 5_000_000 }, statuses: [413] },
    ],
    [
      "raw: { method: POST, body: { repeat: '[', times: 100000, close: ']' }, expect: { status: 400 } }",
      { ...raw, method: 'POST', body: { text: '[', times: 100_000, close: ']' }, statuses: [400] },
    ],
    [
      "raw: { method: POST, body: { repeat: '[', times: 9 }, expect: { status: 400 } }",
      { ...raw, method: 'POST', body: { text: '[', times: 9 }, statuses: [400] },
    ],
    ['fault: { delay: 100ms }', { ...fault, delayMs: 100 }],
    ['fault: { cutAfterBytes: 0 }', { ...fault, cutAfterBytes: 0 }],
    [
      'fault: { slowRead: 0.5KiB/s, delay: T, for: rest of flow }',
      { ...fault, readBytesPerSecond: 512, delayMs: 1_500, scope: 'rest of flow' },
    ],
    ['fault: { halfBody: true }', { ...fault, halfBody: true }],
  ])('%s', (step, expected) => {
    expect(planned(step)).toEqual([expected]);
  });

  test.each<[string, object]>([
    ['reconnect', { kind: 'reconnect', afterMs: 0 }],
    ['reconnect: { after: T }', { kind: 'reconnect', afterMs: 1_500 }],
    ['resume', { kind: 'resume', afterMs: 0 }],
    ['resume: { after: 1s }', { kind: 'resume', afterMs: 1_000 }],
  ])('%s, after a listen', (step, expected) => {
    expect(planned('listen', step)).toEqual([{ kind: 'listen' }, expected]);
  });
});

describe('is refused at its line and column', () => {
  test.each<[string, string]>([
    [
      'concurrent: { times: 2 }',
      '12:21 expected { calls: [{ tool: … }, …] }, or { times: 5, call: { tool: … } }',
    ],
    [
      'concurrent: { times: 101, call: { tool: a } }',
      '12:30 times is at most 100: each call at once takes a connection of its own, and a client has few',
    ],
    ['concurrent: { calls: [] }', '12:30 a list of calls is not empty'],
    [
      'concurrent: { calls: [{ tool: a, abortAfter: 2m }] }',
      '12:54 abortAfter (2m 0s) must be below timeout (1m 0s), or it never happens',
    ],
    ['ping: {}', "12:9 the step 'ping' has no settings: write - ping"],
    ['raw', "12:9 the step 'raw' needs settings: write raw: …"],
    ['raw: { method: GET }', "12:9 missing key 'expect'"],
    ['raw: { method: G T, expect: { status: 400 } }', '12:24 a method is one word'],
    ['raw: { method: GET, expect: { status: 99 } }', '12:47 a final status is from 200 to 599'],
    ["raw: { method: GET, path: 'a b', expect: { status: 400 } }", '12:35 a path has no spaces'],
    [
      'raw: { method: GET, headers: { "a b": c }, expect: { status: 400 } }',
      '12:40 a header name has no space and no colon',
    ],
    [
      'raw: { method: GET, headers: { a: "b\\r\\nc: d" }, expect: { status: 400 } }',
      '12:43 a header is one line',
    ],
    [
      'raw: { method: POST, body: a, bodyBytes: 5, expect: { status: 400 } }',
      '12:14 body and bodyBytes exclude each other',
    ],
    [
      'raw: { method: POST, body: { repeat: abcdefgh, times: 67108864 }, expect: { status: 400 } }',
      '12:36 body is at most 67,108,864 bytes: it is held in memory as a whole, and four times the largest body any server takes',
    ],
    [
      'raw: { method: POST, body: { repeat: abcd, times: 10000000, close: efgh }, expect: { status: 400 } }',
      '12:36 body is at most 67,108,864 bytes: it is held in memory as a whole, and four times the largest body any server takes',
    ],
    [
      'fault: { for: rest of flow }',
      '12:16 a fault is one or more of delay, cutAfterBytes, slowRead, halfBody',
    ],
    ['fault: { delay: 5 }', '12:25 5 has no unit: write 5ms, 5s, 5m or 5h'],
    [
      'fault: { slowRead: 5KB/s }',
      "12:28 slowRead is a rate such as 512B/s, 1KiB/s or 0.5MiB/s, got '5KB/s'",
    ],
    ['fault: { slowRead: 0B/s }', "12:28 slowRead is a rate such as 512B/s, 1KiB/s or 0.5MiB/s, got '0B/s'"],
    ['fault: { halfBody: false }', '12:28 halfBody is true, or left out'],
    [
      'fault: { halfBody: true, cutAfterBytes: 5 }',
      '12:34 halfBody and cutAfterBytes exclude each other: half a request gets no answer to cut',
    ],
    [
      'fault: { delay: 1s, for: next }',
      "12:34 unknown scope 'next': did you mean 'next request'? Allowed: next request, rest of flow",
    ],
    ['reconnect', '12:9 reconnect opens a stream again, so a listen comes before it'],
    ['resume: { after: 1s }', '12:9 resume opens a stream again, so a listen comes before it'],
    [
      'repeat: { times: 2, steps: [resume] }',
      '12:37 resume opens a stream again, so a listen comes before it',
    ],
  ])('%s', (step, expected) => {
    expect(problems(step)).toEqual([expected]);
  });

  test('what names the session before there is one', () => {
    const step = 'raw: { method: GET, headers: { Mcp-Session-Id: $session }, expect: { status: 404 } }';
    expect(problemsOf(tiny({ flow: [step, 'initialize'] }))).toEqual([
      '11:9 there is no $session yet: an initialize comes before it',
    ]);
    expect(problems(step)).toEqual([]);
  });

  test('what is no fitting end', () => {
    const raw = 'raw: { method: GET, expect: { status: 404 } }';
    expect(problems('delete', raw)).toEqual([]);
    expect(problems('abandon: silent', raw)).toEqual([
      '13:9 nothing but think, expect-gone, expect-alive can follow abandon, got raw',
    ]);
    expect(problems('delete', 'reinitialize')).toEqual([
      '13:9 nothing but think, expect-gone, expect-alive, raw can follow delete, got reinitialize',
    ]);
  });
});

test('faults, raw requests and thinking may come before the session, or without one', () => {
  const raw = 'raw: { method: GET, expect: { status: 400 } }';
  expect(problemsOf(tiny({ flow: ['think: 1s', 'fault: { delay: 1s }', 'initialize'] }))).toEqual([]);
  expect(problemsOf(tiny({ flow: [`repeat: { times: 3, steps: [${raw}] }`] }))).toEqual([]);
});

test('calls at once count as so many steps', () => {
  const many =
    'repeat: { times: 100000, steps: [{ concurrent: { times: 100, call: { tool: a } } }, { think: 1s }] }';
  expect(problems(many)).toEqual([
    '10:5 one iteration performs at most 10,000,000: repeats inside repeats multiply',
  ]);
});

describe('evidence for invariants', () => {
  const invariantsOf = (flow: string[]) =>
    makePlan(loadScenario(tiny({ flow }), 'a.yaml'), { mode: 'real', seed: 0, policy: POLICY }).invariants;

  test.each<[string, string[], string[], string[]]>([
    [
      'calls at once are calls',
      ['initialize', 'concurrent: { times: 2, call: { tool: a } }', 'delete'],
      ['calls_answered'],
      ['reap_lag'],
    ],
    [
      'a raw request expects something',
      ['initialize', 'raw: { method: GET, expect: { status: 400 } }', 'delete'],
      ['expectations_met'],
      ['gone_is_404'],
    ],
    ['a session left behind is reaped', ['initialize', 'reinitialize', 'delete'], ['reap_lag'], []],
    ['without a session there is none', ['raw: { method: GET, expect: { status: 400 } }'], [], ['reap_lag']],
  ])('%s', (_, flow, included, excluded) => {
    const invariants = invariantsOf(flow);
    expect(invariants).toEqual(expect.arrayContaining(included));
    for (const name of excluded) expect(invariants).not.toContain(name);
  });
});
